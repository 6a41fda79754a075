//! SQL over the lake: its tables and the shipped views, read only.
//!
//! A session sees the tables as of the moment it was opened.

use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::context::SQLOptions;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::table::Table;
use super::{LakeError, declared_schema, names, require};

/// The shipped views, each after those it reads from: name and portable SQL.
pub const VIEWS: [(&str, &str); 6] = [
    (
        "loops_latest",
        include_str!("../../schemas/views/loops_latest.sql"),
    ),
    (
        "mailbox_states_latest",
        include_str!("../../schemas/views/mailbox_states_latest.sql"),
    ),
    (
        "stuck_now",
        include_str!("../../schemas/views/stuck_now.sql"),
    ),
    (
        "batch_health",
        include_str!("../../schemas/views/batch_health.sql"),
    ),
    (
        "rejects_open",
        include_str!("../../schemas/views/rejects_open.sql"),
    ),
    (
        "sign_ins_latest",
        include_str!("../../schemas/views/sign_ins_latest.sql"),
    ),
];

/// An open session.
pub struct Session {
    context: SessionContext,
}

impl Session {
    /// Opens the tables and views of a lake.
    pub async fn open(lake: &Path) -> Result<Session, LakeError> {
        Session::with(SessionConfig::new(), lake).await
    }

    /// The same for rows of any size: no more than so many are in memory at once.
    pub(super) async fn open_in_batches(lake: &Path, rows: usize) -> Result<Session, LakeError> {
        let one_by_one = SessionConfig::new().with_target_partitions(1);
        Session::with(one_by_one.with_batch_size(rows), lake).await
    }

    async fn with(config: SessionConfig, lake: &Path) -> Result<Session, LakeError> {
        require(lake)?;
        let mut config = config.with_information_schema(true);
        config
            .options_mut()
            .execution
            .parquet
            .schema_force_view_types = false;
        let context = SessionContext::new_with_config(config);
        for name in names::ALL {
            let provider: Arc<dyn TableProvider> = if lake.join(name).join("_delta_log").is_dir() {
                let table = Table::open_existing(lake, name).await?;
                table.table_provider().await.map_err(query_error)?
            } else {
                // A lake that only holds imported mailboxes so far.
                Arc::new(EmptyTable::new(declared_schema(name)))
            };
            context
                .register_table(name, provider)
                .map_err(query_error)?;
        }
        let session = Session { context };
        for (name, sql) in VIEWS {
            session.create_view(name, sql).await?;
        }
        Ok(session)
    }

    async fn create_view(&self, name: &str, sql: &str) -> Result<(), LakeError> {
        match self
            .context
            .sql(&format!("CREATE VIEW {name} AS {sql}"))
            .await
        {
            Ok(_) => Ok(()),
            Err(error) => Err(LakeError::Query(format!(
                "the view {name} cannot be made: {}",
                message(&error)
            ))),
        }
    }

    /// Runs one query of ours and gives its rows batch by batch.
    pub(super) async fn stream(&self, sql: &str) -> Result<SendableRecordBatchStream, LakeError> {
        let frame = self.context.sql(sql).await.map_err(query_error)?;
        frame.execute_stream().await.map_err(query_error)
    }

    /// Runs one query; anything that would change data is refused.
    pub async fn query(&self, sql: &str) -> Result<(SchemaRef, Vec<RecordBatch>), LakeError> {
        let options = SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false);
        let frame = self
            .context
            .sql_with_options(sql, options)
            .await
            .map_err(query_error)?;
        let schema = Arc::new(frame.schema().as_arrow().clone());
        let batches = frame.collect().await.map_err(query_error)?;
        Ok((schema, batches))
    }
}

pub(super) fn query_error(error: DataFusionError) -> LakeError {
    let message = message(&error).replace("datafusion.public.", "");
    let hint = if message.contains("table '") && message.ends_with("' not found") {
        let views = VIEWS.iter().map(|(view, _)| *view);
        let there: Vec<&str> = names::ALL.into_iter().chain(views).collect();
        format!("; there are {}", there.join(", "))
    } else {
        String::new()
    };
    LakeError::Query(format!("the query failed: {message}{hint}"))
}

/// The innermost message, on one line.
fn message(error: &DataFusionError) -> String {
    let text = match error.find_root() {
        DataFusionError::SQL(parser, _) => parser.to_string(),
        other => other.strip_backtrace(),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
