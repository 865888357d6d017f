//! Streams as sources.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use futures_core::Stream;

use super::emit::AsyncEmit;
use super::hire;
use super::watch::{Watch, caught, caught_drop};
use crate::pipeline::Pipeline;
use crate::pipeline::control::{Cause, Control};
use crate::pipeline::line::Line;
use crate::pipeline::meter::Meter;
use crate::pipeline::work::BoxError;
use crate::sync::Padded;
use crate::wait::{TURN, give_turn};

impl Pipeline {
    /// A pipeline that begins with what `stream` gives, in a task. With feature `stream`.
    ///
    /// When the sources are told to end, it ends at once, also while it waits for the stream,
    /// which is then dropped. As for threads, with a [batch](Self::batch) on the edge that
    /// follows, records wait until there are as many.
    pub fn async_source<S>(name: impl Into<String>, stream: S) -> Pipeline<Line<S::Item>>
    where
        S: Stream<Item: Send + 'static> + Send + 'static,
    {
        let node = source(name.into(), stream, Ok);
        Pipeline { node }
    }

    /// As [`async_source`](Self::async_source); the first error is the last thing that it
    /// gives, and fails the pipeline. With feature `stream`.
    pub fn try_async_source<T, E, S>(name: impl Into<String>, stream: S) -> Pipeline<Line<T>>
    where
        T: Send + 'static,
        E: Into<BoxError> + 'static,
        S: Stream<Item = Result<T, E>> + Send + 'static,
    {
        let node = source(name.into(), stream, |record| record.map_err(Into::into));
        Pipeline { node }
    }
}

fn source<S, T>(name: String, stream: S, record: fn(S::Item) -> Result<T, BoxError>) -> Line<T>
where
    S: Stream<Item: 'static> + Send + 'static,
    T: Send + 'static,
{
    Line::begin(name, move |outlet, draft| {
        let meter = outlet.meter();
        let stream = Box::pin(stream);
        hire(outlet, draft, |emit| {
            let source = AsyncSource {
                stream,
                record,
                emit,
                meter,
            };
            |control| Box::pin(source.run(control))
        });
    })
}

/// Its ends of channels are closed when it is dropped.
struct AsyncSource<S: Stream, T> {
    stream: Pin<Box<S>>,
    record: fn(S::Item) -> Result<T, BoxError>,
    emit: Padded<AsyncEmit<T>>,
    meter: Arc<Padded<Meter>>,
}

impl<S: Stream + Send, T: Send> AsyncSource<S, T> {
    async fn run(mut self, control: Arc<Control>) -> Result<(), Cause> {
        let mut watch = Watch::new(control.clone(), self.meter.clone());
        let end = caught(self.give(&control, &mut watch)).await;
        end.and(caught_drop(self))
    }

    async fn give(&mut self, control: &Control, watch: &mut Watch) -> Result<(), BoxError> {
        let mut turn = 0;
        while !control.is_stopping() {
            let stream = &mut self.stream;
            let next = poll_fn(|context| stream.as_mut().poll_next(context));
            let Some(Some(record)) = watch.unless(Control::is_stopping, next).await else {
                break;
            };
            let record = (self.record)(record)?;
            if self.emit.send(record).await.is_err() {
                return Ok(());
            }
            turn += 1;
            if turn % TURN == 0 {
                give_turn().await;
            }
        }
        if !control.is_cancelled() {
            // If nobody takes it, there is nothing to be done.
            let _stopped = self.emit.flush().await;
        }
        Ok(())
    }
}
