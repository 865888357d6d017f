//! One end, with a peer that sends frames, or anything.

use crate::Sizes;
use crate::end::{Act, End};
use arbitrary::Arbitrary;
use ringfence::window::Connection;

#[derive(Arbitrary, Debug)]
pub struct Input {
    sizes: Sizes,
    greets: bool,
    steps: Vec<Step>,
}

#[derive(Arbitrary, Debug)]
enum Step {
    Act(Act),
    Transmit(u16),
    Bytes(Vec<u8>),
    /// A frame of some kind with these numbers, followed by so many bytes as data has.
    Frame(u8, Number, Number),
    /// Single bytes on one of its streams: this many, or as many as are let through.
    Flood(u8, u16),
}

/// What is often interesting.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Number {
    Small(u8),
    Any(u64),
    Largest,
}

impl Number {
    fn value(self) -> u64 {
        const MAX: u64 = (1 << 62) - 1;
        match self {
            Self::Small(n) => n.into(),
            Self::Any(n) => n & MAX,
            Self::Largest => MAX,
        }
    }

    /// Always in eight bytes, as RFC 9000 allows.
    fn encode(self, to: &mut Vec<u8>) {
        to.extend((self.value() | 3 << 62).to_be_bytes());
    }
}

pub fn run(input: &Input) {
    let mut victim = End::victim(input.sizes);
    if input.greets {
        // Version, all bytes, bytes of a stream, streams.
        assert!(victim.receive(&[0, 1, 0x41, 0, 50, 3]));
    }
    for step in &input.steps {
        match step {
            Step::Act(act) => victim.act(act),
            Step::Transmit(room) => {
                let room = Connection::SHORTEST_TRANSMIT + usize::from(room % 1000);
                victim.connection.transmit(&mut vec![0; room]);
                victim.check();
            }
            Step::Bytes(bytes) => {
                victim.receive(bytes);
            }
            Step::Frame(kind, first, second) => {
                let mut bytes = vec![kind % 9];
                first.encode(&mut bytes);
                if !matches!(kind % 9, 1 | 3) {
                    second.encode(&mut bytes);
                }
                if matches!(kind % 9, 4 | 5) {
                    bytes.extend(vec![0; second.value().min(1000) as usize]);
                }
                victim.receive(&bytes);
            }
            Step::Flood(stream, n) => {
                let bytes = [4, 2 * (stream % 4), 1, 0];
                let _ = (0..n % 1000).all(|_| victim.receive(&bytes));
            }
        }
    }
    let _ = victim.connection.receive_end();
}
