//! Receives that gather.

use std::time::{Duration, Instant};

use super::Receiver;
use super::receiver::{receive, up_to};
use crate::error::{RecvTimeoutError, TryRecvError};
use crate::flavour::Flavour;

impl<T, F: Flavour> Receiver<T, F> {
    /// Appends items to `buffer` until there are `limit` more or `linger` is over, and
    /// returns how many: at least one. For batches that are worth a short wait.
    ///
    /// It takes what is there at once, and sleeps in between; so a sender that waits for
    /// room never waits for the end of it. When `linger` is over, it still takes what
    /// there is. With a limit of 0 it returns 0 at once. A time too long to be added to
    /// the current time is none.
    ///
    /// What it has got by the time the channel is closed and empty, it returns; the next
    /// call says that it is `Disconnected`.
    ///
    /// # Errors
    /// [`RecvTimeoutError`], when there was no item in time, or the channel is
    /// closed and every item received.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let (mut tx, mut rx) = ringfence::bounded(8);
    /// let mut batch = Vec::new();
    /// std::thread::spawn(move || (0..3).try_for_each(|i| tx.send(i).map(drop)));
    /// // Not before the third item: then the channel is closed as well.
    /// assert_eq!(rx.recv_many_timeout(&mut batch, 5, Duration::MAX), Ok(3));
    /// assert!(rx.recv_many_timeout(&mut batch, 5, Duration::MAX).is_err());
    /// ```
    pub fn recv_many_timeout(
        &mut self,
        buffer: &mut Vec<T>,
        limit: usize,
        linger: Duration,
    ) -> Result<usize, RecvTimeoutError> {
        let mut got = 0;
        let mut deadline = None;
        while got < limit {
            let mut take = up_to(limit - got, buffer);
            let received = match receive(&mut self.consumer, &self.shared, &mut take) {
                Ok(n) => Ok(n),
                Err(TryRecvError::Disconnected) => Err(RecvTimeoutError::Disconnected),
                Err(TryRecvError::Empty) => {
                    let deadline =
                        *deadline.get_or_insert_with(|| Instant::now().checked_add(linger));
                    self.wait_for(deadline, take)
                }
            };
            match received {
                Ok(n) => got += n,
                Err(_) if got > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(got)
    }
}
