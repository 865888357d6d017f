//! Who closed a channel, and why.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Why a channel is closed: what happened first.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Closed {
    /// The last sender was dropped.
    SendersGone,
    /// The last receiver was dropped.
    ReceiversGone,
    /// A sender called [`close`](super::Sender::close).
    BySender,
    /// A receiver called [`close`](super::Receiver::close).
    ByReceiver,
    /// An end was closed with this error, by [`Sender::close_with`](super::Sender::close_with)
    /// or [`Receiver::close_with`](super::Receiver::close_with).
    With(Arc<dyn Error + Send + Sync>),
}

impl Closed {
    pub(crate) fn with(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::With(error.into().into())
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SendersGone => f.write_str("all senders are gone"),
            Self::ReceiversGone => f.write_str("all receivers are gone"),
            Self::BySender => f.write_str("a sender closed the channel"),
            Self::ByReceiver => f.write_str("a receiver closed the channel"),
            Self::With(error) => error.fmt(f),
        }
    }
}

impl Error for Closed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::With(error) => Some(&**error),
            _ => None,
        }
    }
}
