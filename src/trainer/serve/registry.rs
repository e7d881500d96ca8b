//! The models of a multi-model endpoint, by name.
//!
//! Invariants: a name stands for one model, from the moment when its loading begins; it is free again only when nothing is
//! loaded for it any more. A model that is unloaded while a request is worked on lives until that is answered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::loaded::Loaded;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Registry {
    slots: Mutex<BTreeMap<String, Slot>>,
}

#[derive(Debug)]
struct Slot {
    url: String,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Whoever waits is woken by the sender's end.
    Loading(watch::Receiver<()>),
    Loaded(Arc<Loaded>),
}

impl Slot {
    fn model(&self) -> Option<&Arc<Loaded>> {
        match &self.state {
            State::Loading(_) => None,
            State::Loaded(model) => Some(model),
        }
    }
}

/// A name that is kept for a model that is being loaded; dropped, whoever waits for the end of that is woken.
#[derive(Debug)]
pub(super) struct Reserved {
    name: String,
    _loading: watch::Sender<()>,
}

/// What became of a model that was to be unloaded.
#[derive(Debug)]
pub(super) enum Removed {
    Gone,
    /// There was none.
    Missing,
    /// It is still being loaded; the receiver fails when that has ended.
    Loading(watch::Receiver<()>),
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

    /// Keeps a name for a model that is about to be loaded; `None` if it is taken.
    pub(super) fn reserve(&self, name: &str, url: &str) -> Option<Reserved> {
        let mut slots = self.slots();
        if slots.contains_key(name) {
            return None;
        }
        let (loading, ended) = watch::channel(());
        let slot = Slot {
            url: url.to_owned(),
            state: State::Loading(ended),
        };
        slots.insert(name.to_owned(), slot);
        Some(Reserved {
            name: name.to_owned(),
            _loading: loading,
        })
    }

    /// Ends the loading of a model: it stands under its name, or the name is free again. Whoever waits looks when `reserved`
    /// is dropped.
    pub(super) fn settle(&self, reserved: &Reserved, model: Option<Loaded>) {
        let mut slots = self.slots();
        match (slots.get_mut(&reserved.name), model) {
            (Some(slot), Some(model)) => slot.state = State::Loaded(Arc::new(model)),
            (Some(_), None) => drop(slots.remove(&reserved.name)),
            // A name that is kept is not freed by others.
            (None, _) => {}
        }
    }

    /// Takes a model away, and frees its name.
    pub(super) fn remove(&self, name: &str) -> Removed {
        let mut slots = self.slots();
        match slots.get(name).map(|it| &it.state) {
            None => Removed::Missing,
            Some(State::Loading(ended)) => Removed::Loading(ended.clone()),
            Some(State::Loaded(_)) => {
                let removed = slots.remove(name);
                // What it held is dropped after the lock is given back.
                drop(slots);
                drop(removed);
                Removed::Gone
            }
        }
    }

    /// A model that is loaded.
    pub(super) fn get(&self, name: &str) -> Option<Arc<Loaded>> {
        self.slots().get(name)?.model().cloned()
    }

    /// How many are loaded.
    pub(super) fn len(&self) -> usize {
        self.slots()
            .values()
            .filter(|it| it.model().is_some())
            .count()
    }

    /// One model of the list.
    pub(super) fn listed(&self, name: &str) -> Option<Listed> {
        let slots = self.slots();
        let slot = slots.get(name).filter(|it| it.model().is_some())?;
        Some(listed(name, slot))
    }

    /// At most `limit` models from number `first` on, in the order of their names, and the number of the one behind them.
    pub(super) fn list(&self, first: usize, limit: usize) -> (Vec<Listed>, Option<usize>) {
        let slots = self.slots();
        let mut loaded = slots.iter().filter(|it| it.1.model().is_some()).skip(first);
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
