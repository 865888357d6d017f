//! `defmt::Format` of what has an item inside, which need not have it, and is not shown.

use defmt::{Format, Formatter, write};

use crate::error::Full;
use crate::policy::Sent;

impl<T> Format for Full<T> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "Full(..)");
    }
}

impl<T> Format for Sent<T> {
    fn format(&self, f: Formatter<'_>) {
        match self {
            Self::Stored => write!(f, "Stored"),
            Self::Refused(_) => write!(f, "Refused(..)"),
            Self::Evicted(_) => write!(f, "Evicted(..)"),
        }
    }
}

crate::sync::with_compare_and_swap! {
    impl<T> Format for crate::mpmc::PushError<T> {
        fn format(&self, f: Formatter<'_>) {
            match self {
                Self::Full(_) => write!(f, "Full(..)"),
                Self::Busy(_) => write!(f, "Busy(..)"),
            }
        }
    }

    impl<T> Format for crate::stamped::PushError<T> {
        fn format(&self, f: Formatter<'_>) {
            match self {
                Self::Full(_) => write!(f, "Full(..)"),
                Self::Contended(_) => write!(f, "Contended(..)"),
            }
        }
    }
}
