//! What keeps the number of series bounded where a label is not a closed list.
//!
//! Batches are named by the customer, client families may be added by configuration. Beyond a limit
//! both fold into [`OTHER`], and nothing is lost but the name: sums over the label stay right.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::sign_in::{AuthClass, BlockReason, Protocol};

/// The label value that everything beyond a limit folds into.
pub(super) const OTHER: &str = "__other__";

/// A migration has some dozen batches; dashboards and alerts stay readable up to this many.
pub(super) const BATCHES_MAX: usize = 200;

/// Series that blocks have at most.
const BLOCKS_MAX: usize = 2000;
/// Block series whose client is folded: they must always fit.
const FOLDED_BLOCKS: usize = AuthClass::ALL.len() * Protocol::ALL.len() * BlockReason::ALL.len();
/// Block series that name their client.
pub(super) const NAMED_BLOCKS_MAX: usize = BLOCKS_MAX - FOLDED_BLOCKS;

/// The names that were met first, up to a limit.
#[derive(Debug)]
pub(super) struct Admitted<T> {
    state: Mutex<State<T>>,
    names_max: usize,
}

#[derive(Debug)]
struct State<T> {
    names: HashSet<T, foldhash::fast::RandomState>,
    refused_any: bool,
}

impl<T: Eq + Hash + Clone> Admitted<T> {
    /// Room for this many.
    pub(super) fn new(names_max: usize) -> Admitted<T> {
        let state = State {
            names: HashSet::default(),
            refused_any: false,
        };
        Admitted {
            state: Mutex::new(state),
            names_max,
        }
    }

    /// Whether a name has, or now gets, series of its own.
    pub(super) fn admit(&self, name: T) -> bool {
        let mut state = self.state();
        let admitted = state.names.contains(&name)
            || (state.names.len() < self.names_max && state.names.insert(name));
        state.refused_any |= !admitted;
        admitted
    }

    /// The names that have series of their own.
    pub(super) fn names(&self) -> Vec<T> {
        self.state().names.iter().cloned().collect()
    }

    /// Whether any name was ever folded.
    pub(super) fn refused_any(&self) -> bool {
        self.state().refused_any
    }

    /// A set of names cannot be left half changed, so a panic elsewhere does not spoil it.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
