//! Which export a file is and where its columns are, decided by the header alone.
//!
//! A further export is a further [`ExportKind`] with its rule in [`Layout::recognise`]; the
//! reader of rows asks the layout for columns and never for a kind of export, except where the
//! exports mean different things by the same words. Must not look at a data row.

use super::error::ImportError;
use super::table::{Row, Rows};
use std::borrow::Cow;

/// The exports that are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportKind {
    /// `user,cutover_at[,batch]`, written by hand or by a third-party tool.
    Plain,
    /// `Get-MoveRequestStatistics | Export-Csv`: only completed moves have a cutover.
    MoveRequestStatistics,
}

const USER: &[&str] = &[
    "user",
    "userprincipalname",
    "upn",
    "email",
    "emailaddress",
    "mail",
];
const CUTOVER: &[&str] = &[
    "cutover_at",
    "cutover",
    "completed_at",
    "completiontimestamp",
    "date",
];
const BATCH: &[&str] = &["batch", "batchname"];
const OBJECT_ID: &[&str] = &["externaldirectoryobjectid", "object_id", "objectid"];
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Where the columns of one file are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub kind: ExportKind,
    /// How many columns the header names.
    pub width: usize,
    pub cutover: usize,
    pub user: Option<usize>,
    /// Whether the user column may hold an alias or a name: a column called `user` may.
    pub user_is_loose: bool,
    /// Columns that hold an address in some exports and a path or name in others.
    pub identities: [Option<usize>; 2],
    pub object_id: Option<usize>,
    pub alias: Option<usize>,
    pub display_name: Option<usize>,
    pub exchange_guid: Option<usize>,
    pub batch: Option<usize>,
    pub status: Option<usize>,
}

impl Layout {
    /// The layout that a header stands for; `None` when it is no known export.
    fn recognise(header: &[Cow<'_, str>]) -> Option<Layout> {
        let header: Vec<String> = header
            .iter()
            .map(|name| name.trim().to_lowercase())
            .collect();
        let find = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| header.iter().position(|column| column == name))
        };
        let layout = |kind, cutover, user: Option<usize>| Layout {
            kind,
            width: header.len(),
            cutover,
            user,
            user_is_loose: user.is_some_and(|column| header[column] == USER[0]),
            identities: [find(&["mailboxidentity"]), find(&["identity"])],
            object_id: find(OBJECT_ID),
            alias: find(&["alias"]),
            display_name: find(&["displayname"]),
            exchange_guid: find(&["exchangeguid"]),
            batch: find(BATCH),
            status: find(&["status"]),
        };
        let keys = [
            "alias",
            "displayname",
            "exchangeguid",
            "mailboxidentity",
            "identity",
        ];
        if let (Some(_), Some(cutover)) = (find(&["status"]), find(&["completiontimestamp"]))
            && find(&[&keys[..], USER].concat()).is_some()
        {
            return Some(layout(
                ExportKind::MoveRequestStatistics,
                cutover,
                find(USER),
            ));
        }
        let first_is_user = header
            .first()
            .is_some_and(|name| USER.contains(&name.as_str()));
        let cutover = find(CUTOVER).filter(|_| first_is_user)?;
        Some(layout(ExportKind::Plain, cutover, Some(0)))
    }

    /// Why a row does not fit the header, if so: a shifted row must not be read as another user.
    pub fn misfit(&self, row: &Row<'_>) -> Option<String> {
        let needed = 1 + self.cutover.max(self.status.unwrap_or(0));
        let extra = row
            .cells
            .iter()
            .skip(self.width)
            .any(|cell| !cell.trim().is_empty());
        (row.cells.len() < needed || extra).then(|| {
            format!(
                "the row has {} cells, the header has {}",
                row.cells.len(),
                self.width
            )
        })
    }
}

/// Finds the header and the delimiter, and gives the rows behind it.
pub(super) fn open<'a>(text: &'a str, file: &str) -> Result<(Layout, Rows<'a>), ImportError> {
    let mut widest: Vec<String> = Vec::new();
    for delimiter in DELIMITERS {
        let mut rows = Rows::new(text, delimiter);
        let Some(Ok(header)) = rows.next() else {
            continue;
        };
        if let Some(layout) = Layout::recognise(&header.cells) {
            return Ok((layout, rows));
        }
        if header.cells.len() > widest.len() {
            widest = header.cells.into_iter().map(Cow::into_owned).collect();
        }
    }
    let file = file.to_owned();
    if Rows::new(text, DELIMITERS[0]).next().is_none() {
        return Err(ImportError::Empty { file });
    }
    if widest.is_empty() {
        widest = text.lines().take(1).map(str::to_owned).collect();
    }
    Err(ImportError::UnknownHeader {
        file,
        columns: widest,
    })
}
