//! What a stage that is a task does with a record.

use super::emit::AsyncEmit;
use super::watch::Watch;
use crate::pipeline::weight::{Heavy, OnHeavy, record_of};
use crate::pipeline::work::{BoxError, Each, Map, TryEach, TryMap, With};

/// The future of a closure that borrows what it sends to.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a task does with each record. Its result does not matter once the pipeline is
/// cancelled, or the next stage takes no more.
pub(in crate::pipeline) trait AsyncWork<I, O>: Send + 'static {
    fn work(
        &mut self,
        record: I,
        emit: &mut AsyncEmit<O>,
        watch: &mut Watch,
    ) -> impl Future<Output = Result<(), BoxError>> + Send;
}

impl<I, O, E, F> AsyncWork<I, O> for With<F>
where
    I: Send,
    O: Send,
    E: Into<BoxError>,
    F: for<'a> FnMut(I, &'a mut AsyncEmit<O>) -> BoxFuture<'a, Result<(), E>> + Send + 'static,
{
    async fn work(
        &mut self,
        record: I,
        emit: &mut AsyncEmit<O>,
        watch: &mut Watch,
    ) -> Result<(), BoxError> {
        let worked = watch.working(async { (self.0)(record, emit).await }).await;
        worked.map_or(Ok(()), |worked| worked.map_err(Into::into))
    }
}

impl<I, O, F, M> AsyncWork<I, O> for Map<F>
where
    I: Send,
    O: Send,
    F: FnMut(I) -> M + Send + 'static,
    M: Future<Output = O> + Send,
{
    async fn work(
        &mut self,
        record: I,
        emit: &mut AsyncEmit<O>,
        watch: &mut Watch,
    ) -> Result<(), BoxError> {
        match watch.working(async { (self.0)(record).await }).await {
            Some(made) => Ok(emit.send(made).await?),
            None => Ok(()),
        }
    }
}

impl<I, O, E, F, M> AsyncWork<I, O> for TryMap<F>
where
    I: Send,
    O: Send,
    E: Into<BoxError>,
    F: FnMut(I) -> M + Send + 'static,
    M: Future<Output = Result<O, E>> + Send,
{
    async fn work(
        &mut self,
        record: I,
        emit: &mut AsyncEmit<O>,
        watch: &mut Watch,
    ) -> Result<(), BoxError> {
        let made = watch.working(async { (self.0)(record).await }).await;
        match made.map(|made| made.map_err(Into::into)) {
            Some(made) => Ok(emit.send(made?).await?),
            None => Ok(()),
        }
    }
}

impl<I, O, F, M> AsyncWork<I, O> for Each<F>
where
    I: Send,
    O: Send,
    F: FnMut(I) -> M + Send + 'static,
    M: Future<Output = ()> + Send,
{
    async fn work(
        &mut self,
        record: I,
        _: &mut AsyncEmit<O>,
        watch: &mut Watch,
    ) -> Result<(), BoxError> {
        let _done = watch.working(async { (self.0)(record).await }).await;
        Ok(())
    }
}

impl<I, O, W> AsyncWork<Heavy<I>, O> for OnHeavy<W>
where
    I: Send,
    O: Send,
    W: AsyncWork<I, O>,
{
    async fn work(
        &mut self,
        record: Heavy<I>,
        emit: &mut AsyncEmit<O>,
        watch: &mut Watch,
    ) -> Result<(), BoxError> {
        let (record, _lease) = record_of(record);
        self.0.work(record, emit, watch).await
    }
}

impl<I, O, E, F, M> AsyncWork<I, O> for TryEach<F>
where
    I: Send,
    O: Send,
    E: Into<BoxError>,
    F: FnMut(I) -> M + Send + 'static,
    M: Future<Output = Result<(), E>> + Send,
{
    async fn work(
        &mut self,
        record: I,
        _: &mut AsyncEmit<O>,
        watch: &mut Watch,
    ) -> Result<(), BoxError> {
        let done = watch.working(async { (self.0)(record).await }).await;
        done.map_or(Ok(()), |done| done.map_err(Into::into))
    }
}
