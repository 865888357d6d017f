//! What is done, and how it is read from bytes.

use crate::item::Bomb;
use arbitrary::{Arbitrary, Unstructured};

/// The first number says by which end or future, modulo how many there are; where no end is
/// free, the futures are polled that have them all. Other numbers are taken modulo what makes sense, which includes 0 and too many.
#[derive(Debug)]
pub enum Step {
    Sender(u8, SenderStep),
    Receiver(u8, ReceiverStep),
    Kept(u8, KeptStep),
    /// Which receivers and senders, by bits, and which senders have something to send.
    Select(u8, u8, u8),
}

/// What one of the senders does.
#[derive(Arbitrary, Debug)]
pub enum SenderStep {
    /// Where it would wait, by a future that is kept.
    Send(Option<Bomb>),
    /// Which is over.
    Deadline,
    Try,
    /// So many, and a panic at this one, if there is such a one.
    Many(u8, u8),
    /// Whether to wait for the permit, and whether to send by it.
    Permit(bool, bool),
    /// A future that is polled or not, then taken apart or dropped.
    Async(bool, bool, Option<Bomb>),
    Keep,
    KeepReserve,
    KeepClosed,
    Clone,
    Downgrade,
    /// The weak handle of that number.
    Upgrade(u8),
    Drop,
    /// Whether with an error.
    Close(bool),
}

/// What one of the receivers does.
#[derive(Arbitrary, Debug)]
pub enum ReceiverStep {
    /// Where it would wait, by a future that is kept, as `Many`.
    Recv,
    Deadline,
    Try,
    Many(u8),
    ManyTimeout(u8),
    /// At most so many, twice; and so many are committed, if no `Drop` panics.
    Poll(u8, u8, Option<Bomb>),
    Drain(u8),
    Keep,
    KeepMany(u8),
    KeepClosed,
    Clone,
    Downgrade,
    Upgrade(u8),
    Drop(Option<Bomb>),
    /// Whether with an error.
    Close(bool),
    Lost,
    TakePeak,
}

/// What is done to a future that is kept.
#[derive(Arbitrary, Debug)]
pub enum KeptStep {
    Poll,
    /// Whether to take back what it has.
    Stop(bool),
    /// With its end.
    Drop,
}

/// In two bytes and its numbers. What is derived takes four to say which step it is, most of
/// them for nothing, so that long inputs are few steps, again and again.
pub fn step(bytes: &mut Unstructured) -> arbitrary::Result<Step> {
    let [which, what]: [u8; 2] = bytes.arbitrary()?;
    let mut numbers = [0, 0, 0, what.reverse_bits(), 0, 0, 0, 0, 0];
    let ahead = bytes.len().min(5);
    let left = bytes.peek_bytes(ahead).unwrap_or_default();
    numbers[4..4 + ahead].copy_from_slice(left);
    let mut numbers = Unstructured::new(&numbers[..4 + ahead]);
    let end = which >> 3;
    let step = match which % 8 {
        0..3 => Step::Sender(end, numbers.arbitrary()?),
        3..6 => Step::Receiver(end, numbers.arbitrary()?),
        6 => Step::Kept(end, numbers.arbitrary()?),
        _ => return Ok(Step::Select(end, what, bytes.arbitrary()?)),
    };
    bytes.bytes(ahead - numbers.len())?;
    Ok(step)
}
