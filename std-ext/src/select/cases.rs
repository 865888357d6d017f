//! Several cases: lists of one kind, tuples of any.

use super::case::{Case, End};
use crate::wait::many::{Chance, Chances};

/// The cases of a [`select`](super::select()). Sealed.
///
/// * one case, or an `Option` of one, of which `None` is never ready;
/// * an array, slice or `Vec` of these;
/// * a tuple of 1 to 8 of all that, if all give the same type. Of a list in a tuple, each
///   case counts as one;
/// * `&mut` of all that, which can be selected again.
pub trait Cases: Chances {
    /// What each of the cases gives.
    type Out;
    #[doc(hidden)]
    fn finish(&mut self, at: usize) -> Self::Out;
}

/// What is one case: what [`recv`](super::recv) and [`send`](super::send) return, or an
/// `Option` of it. Sealed.
pub trait One: Cases {}

impl<'a, E: End<'a>, R, G: FnMut(E::Done) -> R> Chances for Case<'a, E, G> {
    #[inline]
    fn size(&self) -> usize {
        1
    }

    #[inline]
    fn get(&mut self, _at: usize) -> Option<&mut dyn Chance> {
        Some(self)
    }
}

impl<'a, E: End<'a>, R, G: FnMut(E::Done) -> R> Cases for Case<'a, E, G> {
    type Out = R;

    #[inline]
    fn finish(&mut self, _at: usize) -> R {
        self.call()
    }
}

impl<'a, E: End<'a>, R, G: FnMut(E::Done) -> R> One for Case<'a, E, G> {}

impl<C: One> Chances for Option<C> {
    #[inline]
    fn size(&self) -> usize {
        1
    }

    #[inline]
    fn get(&mut self, at: usize) -> Option<&mut dyn Chance> {
        self.as_mut()?.get(at)
    }
}

impl<C: One> Cases for Option<C> {
    type Out = C::Out;

    #[inline]
    fn finish(&mut self, at: usize) -> C::Out {
        let case = self.as_mut().expect("what is left out is not done");
        case.finish(at)
    }
}

impl<C: One> One for Option<C> {}

impl<C: One> Chances for [C] {
    #[inline]
    fn size(&self) -> usize {
        self.len()
    }

    #[inline]
    fn get(&mut self, at: usize) -> Option<&mut dyn Chance> {
        self[at].get(0)
    }
}

impl<C: One> Cases for [C] {
    type Out = C::Out;

    #[inline]
    fn finish(&mut self, at: usize) -> C::Out {
        self[at].finish(0)
    }
}

impl<C: One, const N: usize> Chances for [C; N] {
    #[inline]
    fn size(&self) -> usize {
        N
    }

    #[inline]
    fn get(&mut self, at: usize) -> Option<&mut dyn Chance> {
        self[at].get(0)
    }
}

impl<C: One, const N: usize> Cases for [C; N] {
    type Out = C::Out;

    #[inline]
    fn finish(&mut self, at: usize) -> C::Out {
        self[at].finish(0)
    }
}

impl<C: One> Chances for Vec<C> {
    #[inline]
    fn size(&self) -> usize {
        self.len()
    }

    #[inline]
    fn get(&mut self, at: usize) -> Option<&mut dyn Chance> {
        self[at].get(0)
    }
}

impl<C: One> Cases for Vec<C> {
    type Out = C::Out;

    #[inline]
    fn finish(&mut self, at: usize) -> C::Out {
        self[at].finish(0)
    }
}

impl<S: Cases + ?Sized> Chances for &mut S {
    #[inline]
    fn size(&self) -> usize {
        (**self).size()
    }

    #[inline]
    fn get(&mut self, at: usize) -> Option<&mut dyn Chance> {
        (**self).get(at)
    }
}

impl<S: Cases + ?Sized> Cases for &mut S {
    type Out = S::Out;

    #[inline]
    fn finish(&mut self, at: usize) -> S::Out {
        (**self).finish(at)
    }
}

/// For arity only: the cases of one element, then those of the next.
macro_rules! tuple {
    ($first:ident $($other:ident)*) => {
        impl<$first: Cases, $($other: Cases<Out = $first::Out>),*> Chances
            for ($first, $($other,)*)
        {
            #[inline]
            fn size(&self) -> usize {
                #[allow(non_snake_case, reason = "named as their types")]
                let ($first, $($other,)*) = self;
                $first.size() $(+ $other.size())*
            }

            #[inline]
            fn get(&mut self, at: usize) -> Option<&mut dyn Chance> {
                #[allow(non_snake_case, reason = "named as their types")]
                let ($first, $($other,)*) = self;
                tuple!(@find at, get, $first $($other)*)
            }
        }

        impl<$first: Cases, $($other: Cases<Out = $first::Out>),*> Cases
            for ($first, $($other,)*)
        {
            type Out = $first::Out;

            #[inline]
            fn finish(&mut self, at: usize) -> Self::Out {
                #[allow(non_snake_case, reason = "named as their types")]
                let ($first, $($other,)*) = self;
                tuple!(@find at, finish, $first $($other)*)
            }
        }
    };
    (@find $at:ident, $act:ident, $last:ident) => {
        $last.$act($at)
    };
    (@find $at:ident, $act:ident, $next:ident $($other:ident)+) => {
        if $at < $next.size() {
            $next.$act($at)
        } else {
            let $at = $at - $next.size();
            tuple!(@find $at, $act, $($other)+)
        }
    };
}

tuple!(A);
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);
tuple!(A B C D E F G);
tuple!(A B C D E F G H);
