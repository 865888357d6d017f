//! Outputs made of several: each record to one of them, or to all.

use super::edge::Output;
use super::emit::Stopped;
use super::meter::Meter;
use super::tasks::edge::{PolledBoth, PolledOutput, PolledRouted};

/// Which of `n` outputs a record goes to.
pub(super) type Route<T> = Box<dyn FnMut(&T) -> usize + Send>;

/// Each record to one of several outputs.
pub(super) struct Routed<T> {
    outputs: Vec<Box<dyn Output<T>>>,
    /// What goes to each of them.
    parts: Vec<Vec<T>>,
    route: Route<T>,
    /// Of the records that are about to be sent.
    routes: Vec<usize>,
}

impl<T> Routed<T> {
    pub(super) fn new(outputs: Vec<Box<dyn Output<T>>>, route: Route<T>) -> Self {
        let parts = outputs.iter().map(|_| Vec::new()).collect();
        Self {
            outputs,
            parts,
            route,
            routes: Vec::new(),
        }
    }
}

impl<T: Send + 'static> Output<T> for Routed<T> {
    fn send_one(&mut self, record: T, meter: &Meter) -> Result<(), Option<T>> {
        let to = (self.route)(&record);
        self.outputs[to].send_one(record, meter)
    }

    fn send(&mut self, records: &mut Vec<T>, meter: &Meter) -> Result<(), Stopped> {
        // All, before the first is taken: if it panics, none was offered, and none is lost.
        self.routes.clear();
        self.routes
            .extend(records.iter().map(|record| (self.route)(record)));
        for (record, &to) in records.drain(..).zip(&self.routes) {
            self.parts[to].push(record);
        }
        let parts = self.outputs.iter_mut().zip(&mut self.parts);
        let sent = parts
            .filter(|(_, part)| !part.is_empty())
            .try_for_each(|(output, part)| output.send(part, meter));
        if sent.is_err() {
            self.parts.iter_mut().for_each(|part| records.append(part));
        }
        sent
    }

    fn into_polled(self: Box<Self>) -> Box<dyn PolledOutput<T>> {
        let Self { outputs, route, .. } = *self;
        let outputs = outputs.into_iter().map(Output::into_polled).collect();
        Box::new(PolledRouted { outputs, route })
    }
}

/// Each record to two outputs.
pub(super) struct Both<T> {
    main: Box<dyn Output<T>>,
    copy: Box<dyn Output<T>>,
    /// Of `copy`.
    records: Vec<T>,
}

impl<T> Both<T> {
    pub(super) fn new(main: Box<dyn Output<T>>, copy: Box<dyn Output<T>>) -> Self {
        let records = Vec::new();
        Self {
            main,
            copy,
            records,
        }
    }
}

impl<T: Clone + Send + 'static> Output<T> for Both<T> {
    fn send_one(&mut self, record: T, meter: &Meter) -> Result<(), Option<T>> {
        if self.copy.send_one(record.clone(), meter).is_err() {
            return Err(Some(record));
        }
        self.main.send_one(record, meter)
    }

    fn send(&mut self, records: &mut Vec<T>, meter: &Meter) -> Result<(), Stopped> {
        self.records.clone_from(records);
        self.copy.send(&mut self.records, meter)?;
        self.main.send(records, meter)
    }

    fn end_turn(&mut self, records: &mut Vec<T>, meter: &Meter) -> Result<(), Stopped> {
        self.records.clone_from(records);
        self.copy.end_turn(&mut self.records, meter)?;
        self.main.end_turn(records, meter)
    }

    fn into_polled(self: Box<Self>) -> Box<dyn PolledOutput<T>> {
        let (main, copy) = (self.main.into_polled(), self.copy.into_polled());
        Box::new(PolledBoth { main, copy })
    }
}
