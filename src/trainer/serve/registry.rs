//! The models of a multi-model endpoint, by name.
//!
//! Invariant: a name stands for one model, from the moment when its loading begins; a model that is unloaded while a request
//! is worked on lives until that is answered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::loaded::Loaded;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Registry {
    slots: Mutex<BTreeMap<String, Slot>>,
}

#[derive(Debug)]
struct Slot {
    url: String,
    /// `None` while it is loaded.
    model: Option<Arc<Loaded>>,
}

/// A model of the list.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listed {
    model_name: String,
    model_url: String,
}

impl Registry {
    fn slots(&self) -> MutexGuard<'_, BTreeMap<String, Slot>> {
        // Each change is one statement, so what a panic left is whole.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a name for a model that is about to be loaded; `false` if it is taken.
    pub(super) fn reserve(&self, name: &str, url: &str) -> bool {
        let mut slots = self.slots();
        if slots.contains_key(name) {
            return false;
        }
        let slot = Slot {
            url: url.to_owned(),
            model: None,
        };
        slots.insert(name.to_owned(), slot);
        true
    }

    /// Puts a model under its name, unless that was unloaded meanwhile.
    pub(super) fn put(&self, name: &str, model: Arc<Loaded>) {
        if let Some(slot) = self.slots().get_mut(name) {
            slot.model = Some(model);
        }
    }

    /// Frees a name; `false` if there was no such model.
    pub(super) fn remove(&self, name: &str) -> bool {
        // What it held is dropped after the lock is given back.
        let removed = self.slots().remove(name);
        removed.is_some()
    }

    /// A model that is loaded.
    pub(super) fn get(&self, name: &str) -> Option<Arc<Loaded>> {
        self.slots().get(name)?.model.clone()
    }

    /// How many are loaded.
    pub(super) fn len(&self) -> usize {
        self.slots()
            .values()
            .filter(|it| it.model.is_some())
            .count()
    }

    /// One model of the list.
    pub(super) fn listed(&self, name: &str) -> Option<Listed> {
        let slots = self.slots();
        let slot = slots.get(name).filter(|it| it.model.is_some())?;
        Some(listed(name, slot))
    }

    /// At most `limit` models from number `first` on, in the order of their names, and the number of the one behind them.
    pub(super) fn list(&self, first: usize, limit: usize) -> (Vec<Listed>, Option<usize>) {
        let slots = self.slots();
        let mut loaded = slots.iter().filter(|it| it.1.model.is_some()).skip(first);
        let page: Vec<Listed> = loaded
            .by_ref()
            .take(limit)
            .map(|(name, slot)| listed(name, slot))
            .collect();
        let next = loaded.next().map(|_| first + page.len());
        (page, next)
    }
}

fn listed(name: &str, slot: &Slot) -> Listed {
    Listed {
        model_name: name.to_owned(),
        model_url: slot.url.clone(),
    }
}
