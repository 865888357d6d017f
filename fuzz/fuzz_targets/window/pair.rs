//! Two ends that keep to the rules.

use crate::Sizes;
use crate::end::{Act, End};
use arbitrary::Arbitrary;
use ringfence::window::{Connection, Event};
use std::collections::VecDeque;

#[derive(Arbitrary, Debug)]
pub struct Input {
    client: Sizes,
    server: Sizes,
    steps: Vec<Step>,
}

/// Each by the client or by the server.
#[derive(Arbitrary, Debug)]
enum Step {
    Act(bool, Act),
    /// Puts what there is to send on the wire, as far as so many bytes hold.
    Transmit(bool, u16),
    /// Takes so much off the other's wire.
    Deliver(bool, u8),
    Settle,
}

struct Pair {
    ends: [End; 2],
    /// What each has sent and the other not yet received.
    wires: [VecDeque<u8>; 2],
}

impl Pair {
    fn transmit(&mut self, side: usize, room: usize) -> usize {
        let mut bytes = vec![0; Connection::SHORTEST_TRANSMIT + room];
        let n = self.ends[side].connection.transmit(&mut bytes);
        self.ends[side].check();
        self.wires[side].extend(&bytes[..n]);
        n
    }

    fn deliver(&mut self, side: usize, n: usize) -> usize {
        let wire = &mut self.wires[1 - side];
        let n = n.min(wire.len());
        let bytes: Vec<u8> = wire.drain(..n).collect();
        assert!(
            self.ends[side].receive(&bytes),
            "{:?}",
            self.ends[side].connection.failed()
        );
        n
    }

    /// What is true of the two together.
    fn check(&self) {
        for side in 0..2 {
            let [from, to] = [side, 1 - side].map(|side| self.ends[side].connection.usage());
            assert!(from.may_send <= to.may_receive, "as far as it has heard");
            assert!(to.received <= from.sent);
            if self.wires[side].is_empty() {
                assert_eq!(from.sent, to.received);
                assert_eq!(to.received, to.freed + to.unread as u64);
            }
        }
    }

    /// Until there is nothing to carry.
    fn settle(&mut self) {
        loop {
            let mut moved = 0;
            for side in 0..2 {
                moved += self.transmit(side, 500);
                while self.deliver(1 - side, 90) > 0 {}
                self.check();
            }
            if moved == 0 {
                return;
            }
        }
    }

    /// Both applications write no more, and read what there is.
    fn finish(&mut self) {
        for end in &mut self.ends {
            let ids: Vec<_> = end.streams.keys().copied().collect();
            for id in ids {
                end.connection.finish(id);
                end.read_all(id);
            }
        }
    }

    /// The same, but only where events say that there is something. Whether one did.
    fn follow_events(&mut self) -> bool {
        let mut followed = false;
        for end in &mut self.ends {
            while let Some(event) = end.event() {
                followed = true;
                match event {
                    Event::Opened(id) => end.connection.finish(id),
                    Event::Readable(id) => end.read_all(id),
                    _ => {}
                }
            }
        }
        followed
    }
}

pub fn run(input: &Input) {
    let mut pair = Pair {
        ends: [End::new(true, input.client), End::new(false, input.server)],
        wires: [VecDeque::new(), VecDeque::new()],
    };
    for step in &input.steps {
        match *step {
            Step::Act(side, ref act) => pair.ends[usize::from(side)].act(act),
            Step::Transmit(side, room) => {
                pair.transmit(side.into(), usize::from(room % 1000));
            }
            Step::Deliver(side, n) => {
                pair.deliver(side.into(), n.into());
            }
            Step::Settle => pair.settle(),
        }
        pair.check();
    }
    // As long as both go on reading, everything arrives, and every stream ends.
    pair.finish();
    pair.settle();
    while pair.follow_events() {
        pair.settle();
    }
    for side in 0..2 {
        let (end, other) = (&pair.ends[side], &pair.ends[1 - side]);
        let usage = end.connection.usage();
        assert_eq!((usage.unsent, usage.unread, usage.streams), (0, 0, 0));
        assert_eq!(end.written - end.given_up, other.read + other.dropped);
        assert!(!end.connection.is_stalled());
        for (id, counts) in &end.streams {
            let others = &other.streams[id];
            if !counts.is_given_up && !others.is_given_up {
                assert_eq!(counts.written, others.read);
            }
        }
    }
}
