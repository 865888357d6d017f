//! Who runs against whom.

use std::fmt;

use crate::crews::{SHAPES, Shape};
use crate::harness::{Cores, Pop, PopSome, Push, PushSome, Run, by_batch, one_by_one, round_trip};
use crate::{channels, chunks, many, rings};

/// Contestants that do the same work.
#[derive(Debug)]
pub struct Group {
    /// What it is called, its variants behind slashes.
    pub name: String,
    /// What it does.
    pub about: String,
    /// Whether to wait for a core is part of the work, since who must wait sleeps
    /// or yields.
    pub waits_for_core: bool,
    /// Who takes part.
    pub contestants: Vec<Contestant>,
}

impl Group {
    /// Whether `name` selects this group: its name, with or without variants.
    pub fn is_called(&self, name: &str) -> bool {
        let rest = self.name.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Its name without variants.
    pub fn family(&self) -> &str {
        self.name.split('/').next().unwrap_or(&self.name)
    }
}

/// Which of the groups with many threads there are.
#[derive(Clone, Debug)]
pub struct Grid {
    /// Sizes of items in bytes, of [`many::SIZES`].
    pub sizes: Vec<usize>,
    /// Capacities.
    pub capacities: Vec<usize>,
}

/// One queue in one group.
pub struct Contestant {
    /// What it is called.
    pub name: &'static str,
    run: Box<Runs>,
}

type Runs = dyn Fn(&Cores, u64) -> Run;

impl Contestant {
    fn new(name: &'static str, run: impl Fn(&Cores, u64) -> Run + 'static) -> Self {
        let run = Box::new(run);
        Self { name, run }
    }

    fn one_by_one<S: Push, R: Pop>(
        name: &'static str,
        make: impl Fn() -> (S, R) + 'static,
    ) -> Self {
        Self::new(name, move |cores, items| one_by_one(cores, items, make()))
    }

    fn by_batch<S: PushSome, R: PopSome>(
        name: &'static str,
        make: impl Fn() -> (S, R) + 'static,
    ) -> Self {
        Self::new(name, move |cores, items| by_batch(cores, items, make()))
    }

    fn round_trip<S: Push, R: Pop>(
        name: &'static str,
        make: impl Fn() -> (S, R) + 'static,
    ) -> Self {
        Self::new(name, move |cores, items| {
            round_trip(cores, items, make(), make())
        })
    }

    /// Moves `items` items through a new queue.
    pub fn run(&self, cores: &Cores, items: u64) -> Run {
        (self.run)(cores, items)
    }

    /// Whether it is ours.
    pub fn is_ours(&self) -> bool {
        self.name.starts_with("ringfence")
    }
}

impl fmt::Debug for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Many producers and consumers at one ring.
fn many_group(shape: Shape, size: usize, capacity: usize) -> Group {
    let entries = many::entries(size, capacity).into_iter();
    Group {
        name: format!("many/{shape}/{size}/{capacity}"),
        about: format!(
            "{shape} producers and consumers, {size}-byte items, capacity {capacity}, never \
             blocking"
        ),
        waits_for_core: true,
        contestants: entries
            .filter(|entry| entry.most.has_room_for(shape))
            .map(|entry| {
                Contestant::new(entry.name, move |cores, items| {
                    (entry.run)(shape, capacity, cores, items)
                })
            })
            .collect(),
    }
}

/// All groups.
pub fn all(grid: &Grid) -> Vec<Group> {
    let mut all = vec![
        Group {
            name: "try".into(),
            about: "8-byte items one at a time, capacity 1024, never blocking".into(),
            waits_for_core: false,
            contestants: vec![
                Contestant::one_by_one("ringfence", rings::ringfence),
                Contestant::one_by_one("ringfence-in-place", rings::ringfence_in_place),
                Contestant::one_by_one("ringfence-channel", rings::ringfence_channel),
                Contestant::one_by_one("rtrb", rings::rtrb),
                Contestant::one_by_one("ringbuf", rings::ringbuf),
                Contestant::one_by_one("heapless", rings::heapless),
                Contestant::one_by_one("ArrayQueue", rings::array_queue),
                Contestant::one_by_one("crossbeam-channel", rings::crossbeam_channel),
                Contestant::one_by_one("crossfire", rings::crossfire),
            ],
        },
        Group {
            name: "chunks".into(),
            about: "8-byte items in slices of 32, capacity 1024, never blocking".into(),
            waits_for_core: false,
            contestants: vec![
                Contestant::by_batch("ringfence", chunks::ringfence),
                Contestant::by_batch("ringfence-in-place", chunks::ringfence_in_place),
                Contestant::by_batch("rtrb", chunks::rtrb),
                Contestant::by_batch("rtrb-entire", chunks::rtrb_entire),
                Contestant::by_batch("ringbuf", chunks::ringbuf),
            ],
        },
    ];
    all.extend([1024, 64, 1].map(|capacity| Group {
        name: format!("blocking/{capacity}"),
        about: "8-byte items one at a time, whoever must wait sleeps".into(),
        waits_for_core: true,
        contestants: vec![
            Contestant::one_by_one("ringfence", move || channels::ringfence(capacity)),
            Contestant::one_by_one("crossbeam-channel", move || {
                channels::crossbeam_channel(capacity)
            }),
            Contestant::one_by_one("crossfire", move || channels::crossfire(capacity)),
            Contestant::one_by_one("sync_channel", move || channels::sync_channel(capacity)),
        ],
    }));
    all.push(Group {
        name: "blocking-batch".into(),
        about: "8-byte items up to 32 at a time, capacity 1024, whoever must wait sleeps".into(),
        waits_for_core: true,
        contestants: vec![
            Contestant::by_batch("ringfence", channels::ringfence_batch),
            Contestant::by_batch("ringfence-single", channels::ringfence_single),
            Contestant::by_batch("crossbeam-try_iter", channels::crossbeam_try_iter),
        ],
    });
    all.push(Group {
        name: "round-trip/try".into(),
        about: "8 bytes there and 8 bytes back through two rings, never blocking".into(),
        waits_for_core: false,
        contestants: vec![
            Contestant::round_trip("ringfence", rings::ringfence),
            Contestant::round_trip("ringfence-in-place", rings::ringfence_in_place),
            Contestant::round_trip("rtrb", rings::rtrb),
            Contestant::round_trip("ringbuf", rings::ringbuf),
            Contestant::round_trip("heapless", rings::heapless),
            Contestant::round_trip("ArrayQueue", rings::array_queue),
        ],
    });
    all.push(Group {
        name: "round-trip/blocking".into(),
        about: "8 bytes there and 8 bytes back through two channels, whoever must wait sleeps"
            .into(),
        waits_for_core: true,
        contestants: vec![
            Contestant::round_trip("ringfence", || channels::ringfence(1024)),
            Contestant::round_trip("crossbeam-channel", || channels::crossbeam_channel(1024)),
            Contestant::round_trip("crossfire", || channels::crossfire(1024)),
            Contestant::round_trip("sync_channel", || channels::sync_channel(1024)),
        ],
    });
    for &size in &grid.sizes {
        for &capacity in &grid.capacities {
            all.extend(SHAPES.map(|shape| many_group(shape, size, capacity)));
        }
    }
    all
}
