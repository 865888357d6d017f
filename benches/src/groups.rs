//! Who runs against whom.

use std::fmt;

use crate::crews::{SHAPES, Shape};
use crate::harness::{Cores, Pop, PopSome, Push, PushSome, Run, by_batch, one_by_one, round_trip};
#[cfg(unix)]
use crate::idle;
use crate::{blocking, channels, chunks, credits, many, pipelines, rings, tasks, wake};

/// Contestants that do the same work.
#[derive(Debug)]
pub struct Group {
    /// What it is called, its variants behind slashes.
    pub name: String,
    /// What it does.
    pub about: String,
    /// What is measured.
    pub measure: Measure,
    /// Who takes part.
    pub contestants: Vec<Contestant>,
}

/// What is measured, and how.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// What a run comes out as, each with its unit.
    pub figures: &'static [&'static str],
    /// Whether to wait for a core is part of the work, since who must wait sleeps
    /// or yields.
    pub waits_for_core: bool,
    /// The most items in a run; as many as take about 100 ms if not given.
    pub most: Option<u64>,
}

/// How fast items go through, while who must wait spins.
pub(crate) const SPINS: Measure = Measure {
    figures: &["ns an item"],
    waits_for_core: false,
    most: None,
};

/// Likewise, while who must wait yields or sleeps.
pub(crate) const YIELDS: Measure = Measure {
    waits_for_core: true,
    ..SPINS
};

/// What a run came out as.
#[derive(Debug)]
pub struct Outcome {
    /// One for each of its measure's.
    pub figures: Vec<f64>,
    /// What it took.
    pub run: Run,
}

impl Outcome {
    /// How fast `items` went through.
    pub(crate) fn speed(run: Run, items: u64) -> Self {
        Self {
            figures: vec![run.time.as_nanos() as f64 / items as f64],
            run,
        }
    }
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

type Runs = dyn Fn(&Cores, u64) -> Outcome;

impl Contestant {
    /// One that does `run` with so many items.
    pub(crate) fn new(name: &'static str, run: impl Fn(&Cores, u64) -> Outcome + 'static) -> Self {
        let run = Box::new(run);
        Self { name, run }
    }

    fn moving(name: &'static str, run: impl Fn(&Cores, u64) -> Run + 'static) -> Self {
        Self::new(name, move |cores, items| {
            Outcome::speed(run(cores, items), items)
        })
    }

    fn one_by_one<S: Push, R: Pop>(
        name: &'static str,
        make: impl Fn() -> (S, R) + 'static,
    ) -> Self {
        Self::moving(name, move |cores, items| one_by_one(cores, items, make()))
    }

    fn by_batch<S: PushSome, R: PopSome>(
        name: &'static str,
        make: impl Fn() -> (S, R) + 'static,
    ) -> Self {
        Self::moving(name, move |cores, items| by_batch(cores, items, make()))
    }

    fn round_trip<S: Push, R: Pop>(
        name: &'static str,
        make: impl Fn() -> (S, R) + 'static,
    ) -> Self {
        Self::moving(name, move |cores, items| {
            round_trip(cores, items, make(), make())
        })
    }

    /// Moves `items` items through a new queue.
    pub fn run(&self, cores: &Cores, items: u64) -> Outcome {
        (self.run)(cores, items)
    }

    /// Whether it is ours.
    pub fn is_ours(&self) -> bool {
        self.name.starts_with("ringfence")
    }
}

/// Those whose most threads have room for the shape. Of several that follow each other
/// under one name, the first one that has.
pub(crate) fn fitting<const N: usize>(
    shape: Shape,
    entries: [(Shape, Contestant); N],
) -> Vec<Contestant> {
    let all = entries.into_iter();
    let mut fitting: Vec<_> = all
        .filter(|(most, _)| most.has_room_for(shape))
        .map(|(_, contestant)| contestant)
        .collect();
    fitting.dedup_by_key(|contestant| contestant.name);
    fitting
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
        measure: YIELDS,
        contestants: entries
            .filter(|entry| entry.most.has_room_for(shape))
            .map(|entry| {
                Contestant::moving(entry.name, move |cores, items| {
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
            measure: SPINS,
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
            measure: SPINS,
            contestants: vec![
                Contestant::by_batch("ringfence", chunks::ringfence),
                Contestant::by_batch("ringfence-in-place", chunks::ringfence_in_place),
                Contestant::by_batch("rtrb", chunks::rtrb),
                Contestant::by_batch("rtrb-entire", chunks::rtrb_entire),
                Contestant::by_batch("ringbuf", chunks::ringbuf),
            ],
        },
    ];
    all.extend(blocking::groups());
    all.extend(blocking::uncounted());
    all.extend(blocking::batches());
    all.extend(credits::groups());
    all.extend(blocking::polls());
    all.extend(blocking::receiving());
    all.push(Group {
        name: "round-trip/try".into(),
        about: "8 bytes there and 8 bytes back through two rings, never blocking".into(),
        measure: SPINS,
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
        measure: YIELDS,
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
    all.extend(tasks::groups());
    all.extend(pipelines::groups());
    all.extend(wake::groups());
    #[cfg(unix)]
    all.extend(idle::groups());
    all
}
