//! What a stage does with a record. [`With`] is the form to which all others come down.

use std::error::Error;

use super::emit::Emit;

/// Any error.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// What a worker does with each record: from the methods of
/// [`Pipeline`](super::Pipeline). Sealed.
pub trait Work<I, O>: sealed::Sealed + Send + 'static {
    #[doc(hidden)]
    fn work(&mut self, record: I, emit: &mut Emit<O>) -> Result<(), BoxError>;
}

mod sealed {
    pub trait Sealed {}
    impl<F> Sealed for super::With<F> {}
    impl<F> Sealed for super::Map<F> {}
    impl<F> Sealed for super::TryMap<F> {}
    impl<F> Sealed for super::FlatMap<F> {}
    impl<F> Sealed for super::Each<F> {}
    impl<F> Sealed for super::TryEach<F> {}
    impl<W> Sealed for super::super::weight::OnHeavy<W> {}
}

/// Any number of records, or an error.
#[derive(Clone, Debug)]
pub struct With<F>(pub(super) F);

/// One record.
#[derive(Clone, Debug)]
pub struct Map<F>(pub(super) F);

/// One record, or an error.
#[derive(Clone, Debug)]
pub struct TryMap<F>(pub(super) F);

/// Records that an iterator or an `Option` gives.
#[derive(Clone, Debug)]
pub struct FlatMap<F>(pub(super) F);

/// Nothing: the end of a pipeline.
#[derive(Clone, Debug)]
pub struct Each<F>(pub(super) F);

/// Nothing, or an error: the end of a pipeline.
#[derive(Clone, Debug)]
pub struct TryEach<F>(pub(super) F);

impl<I, O, E, F> Work<I, O> for With<F>
where
    E: Into<BoxError>,
    F: FnMut(I, &mut Emit<O>) -> Result<(), E> + Send + 'static,
{
    #[inline]
    fn work(&mut self, record: I, emit: &mut Emit<O>) -> Result<(), BoxError> {
        (self.0)(record, emit).map_err(Into::into)
    }
}

impl<I, O, F: FnMut(I) -> O + Send + 'static> Work<I, O> for Map<F> {
    #[inline]
    fn work(&mut self, record: I, emit: &mut Emit<O>) -> Result<(), BoxError> {
        Ok(emit.send((self.0)(record))?)
    }
}

impl<I, O, E, F> Work<I, O> for TryMap<F>
where
    E: Into<BoxError>,
    F: FnMut(I) -> Result<O, E> + Send + 'static,
{
    #[inline]
    fn work(&mut self, record: I, emit: &mut Emit<O>) -> Result<(), BoxError> {
        Ok(emit.send((self.0)(record).map_err(Into::into)?)?)
    }
}

impl<I, R: IntoIterator, F: FnMut(I) -> R + Send + 'static> Work<I, R::Item> for FlatMap<F> {
    #[inline]
    fn work(&mut self, record: I, emit: &mut Emit<R::Item>) -> Result<(), BoxError> {
        let mut records = (self.0)(record).into_iter();
        Ok(records.try_for_each(|record| emit.send(record))?)
    }
}

impl<I, O, F: FnMut(I) + Send + 'static> Work<I, O> for Each<F> {
    #[inline]
    fn work(&mut self, record: I, _: &mut Emit<O>) -> Result<(), BoxError> {
        (self.0)(record);
        Ok(())
    }
}

impl<I, O, E, F> Work<I, O> for TryEach<F>
where
    E: Into<BoxError>,
    F: FnMut(I) -> Result<(), E> + Send + 'static,
{
    #[inline]
    fn work(&mut self, record: I, _: &mut Emit<O>) -> Result<(), BoxError> {
        (self.0)(record).map_err(Into::into)
    }
}
