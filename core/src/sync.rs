//! The only file that knows loom, portable-atomic and the target.
//!
//! Everything above it is written once, against the names below. Not public
//! API: it is visible because `ringfence` and the models build on the same
//! facade, and it may change in any release.
//!
//! Two backings:
//!
//! * ordinarily, the types of `core::sync::atomic`. Positions and flags use
//!   plain loads and stores, so they build where the target has no
//!   compare-and-swap; read-modify-write operations live in [`rmw`], which is
//!   portable-atomic's where that feature is on;
//! * under `--cfg ringfence_loom`, loom's types, each with a *companion*.
//!   loom 0.7 prunes interleavings in which a thread loads an atomic before it
//!   writes it (loom issues 166 and 392). Every access first stores to the
//!   companion, Relaxed: any two accesses of one atomic then depend on each
//!   other in loom's search, and no happens-before edge is added. The model
//!   `loom_sees` pins this.

#[cfg(not(ringfence_loom))]
pub use native::*;

#[cfg(ringfence_loom)]
pub use modelled::*;

pub use crate::padded::Padded;

/// What a position is stored in: loads and stores, nothing else.
pub trait Atomic<W>: Send + Sync + core::fmt::Debug {
    #[doc(hidden)]
    #[track_caller]
    fn load(&self, order: Ordering) -> W;
    #[doc(hidden)]
    #[track_caller]
    fn store(&self, word: W, order: Ordering);
    #[doc(hidden)]
    #[cfg(not(ringfence_loom))]
    const ZERO: Self;
    #[doc(hidden)]
    #[cfg(ringfence_loom)]
    fn zero() -> Self;
}

/// What a slot of `mpmc` is kept in: it is also compared and swapped.
pub trait Swap<W>: Atomic<W> {
    /// Whether it was `current`, and is `new` now.
    #[doc(hidden)]
    #[track_caller]
    fn swap_if(&self, current: W, new: W, success: Ordering) -> bool;
}

/// `const fn`, except under loom, whose types have no const constructors.
macro_rules! const_unless_loom {
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => {
        #[cfg(not(ringfence_loom))]
        $(#[$meta])*
        $vis const fn $($rest)*
        #[cfg(ringfence_loom)]
        $(#[$meta])*
        $vis fn $($rest)*
    };
}
pub(crate) use const_unless_loom;

/// How far apart two words must be so that no two cores contend for them:
/// nothing on a microcontroller, 128 bytes elsewhere (lines are fetched in
/// pairs on x86-64, and are that long on some aarch64).
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(not(target_os = "none"), repr(align(128)))]
pub struct Line;

/// What needs compare-and-swap: the target's, or portable-atomic's.
#[cfg(any(feature = "portable-atomic", target_has_atomic = "ptr"))]
macro_rules! with_compare_and_swap {
    ($($item:item)*) => { $($item)* };
}
#[cfg(not(any(feature = "portable-atomic", target_has_atomic = "ptr")))]
macro_rules! with_compare_and_swap {
    ($($item:item)*) => {};
}
pub(crate) use with_compare_and_swap;

/// What needs the target's own compare-and-swap, as `Arc` does.
#[allow(unused_macros, reason = "unused without slots for pointers")]
macro_rules! with_native_compare_and_swap {
    ($($item:item)*) => {$( #[cfg(target_has_atomic = "ptr")] $item )*};
}
#[allow(unused_imports, reason = "the same")]
pub(crate) use with_native_compare_and_swap;

/// What needs compare-and-swap of 64 bits: the target's; or critical sections, where
/// the user has said how they are to be had. Never portable-atomic's locks, which
/// it takes for the rest.
macro_rules! with_64_bit_slots {
    ($($item:item)*) => {$(
        #[cfg(any(
            target_has_atomic = "64",
            feature = "portable-atomic-unsafe-assume-single-core",
            all(
                feature = "portable-atomic-critical-section",
                not(target_has_atomic = "ptr")
            ),
        ))]
        $item
    )*};
}
#[allow(unused_imports, reason = "used where there is compare-and-swap")]
pub(crate) use with_64_bit_slots;

/// What needs compare-and-swap of 128 bits.
macro_rules! with_128_bit_slots {
    ($($item:item)*) => {$(
        #[cfg(all(
            feature = "portable-atomic",
            not(ringfence_loom),
            any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "s390x"),
        ))]
        $item
    )*};
}
#[allow(unused_imports, reason = "used where there is compare-and-swap")]
pub(crate) use with_128_bit_slots;

#[cfg(not(target_pointer_width = "64"))]
#[allow(unused_imports, reason = "used where there is compare-and-swap")]
pub(crate) use with_64_bit_slots as with_pointer_slots;
/// What needs compare-and-swap of twice a pointer's width.
#[cfg(target_pointer_width = "64")]
pub(crate) use with_128_bit_slots as with_pointer_slots;

/// Twice as wide as a pointer, at least.
#[cfg(target_pointer_width = "64")]
pub type TwoPointers = u128;
#[cfg(not(target_pointer_width = "64"))]
pub type TwoPointers = u64;

#[allow(unused_macros, reason = "used where there is compare-and-swap")]
macro_rules! swap {
    ($($atomic:ident: $word:ty),*) => {$(
        impl Swap<$word> for rmw::$atomic {
            #[inline(always)]
            #[track_caller]
            fn swap_if(&self, current: $word, new: $word, success: Ordering) -> bool {
                self.compare_exchange(current, new, success, Ordering::Relaxed)
                    .is_ok()
            }
        }
    )*};
}
with_compare_and_swap! { swap!(AtomicUsize: usize); }
with_64_bit_slots! { swap!(AtomicU64: u64); }
with_128_bit_slots! {
    swap!(AtomicU128: u128);

    mod wide {
        use super::{Atomic, Ordering};
        use portable_atomic::AtomicU128 as Raw;

        /// 128 bits that are compared and swapped by one instruction (or one pair
        /// of them), and never by a lock.
        #[derive(Debug)]
        pub struct AtomicU128(Raw);

        impl AtomicU128 {
            /// On x86-64, a processor is asked whether it knows `cmpxchg16b`, unless
            /// the build says so. All do but the very first.
            #[inline(always)]
            fn native(&self) -> &Raw {
                const {
                    assert!(
                        cfg!(target_arch = "x86_64") || Raw::is_always_lock_free(),
                        "no compare-and-swap of 128 bits on this target"
                    );
                }
                assert!(Raw::is_lock_free(), "no cmpxchg16b on this processor");
                #[cfg(test)]
                super::stepped::step();
                &self.0
            }

            #[inline(always)]
            pub fn compare_exchange(
                &self,
                current: u128,
                new: u128,
                success: Ordering,
                failure: Ordering,
            ) -> Result<u128, u128> {
                self.native().compare_exchange(current, new, success, failure)
            }
        }

        impl Atomic<u128> for AtomicU128 {
            const ZERO: Self = Self(Raw::new(0));
            #[inline(always)]
            fn load(&self, order: Ordering) -> u128 {
                self.native().load(order)
            }
            #[inline(always)]
            fn store(&self, word: u128, order: Ordering) {
                self.native().store(word, order);
            }
        }
    }
}

#[cfg(all(
    feature = "alloc",
    not(feature = "portable-atomic"),
    not(target_has_atomic = "ptr")
))]
compile_error!(
    "this target has no compare-and-swap: with `alloc`, enable \
     `portable-atomic-critical-section` or `portable-atomic-unsafe-assume-single-core`"
);

/// An array of atomics at zero.
#[cfg(not(ringfence_loom))]
#[allow(unused_macros, reason = "for `mpmc`, which not every target has")]
macro_rules! zeros {
    ($n:expr) => {
        [const { $crate::sync::zero() }; $n]
    };
}
#[cfg(ringfence_loom)]
macro_rules! zeros {
    ($n:expr) => {
        core::array::from_fn::<_, $n, _>(|_| $crate::sync::zero())
    };
}
#[allow(unused_imports, reason = "as above")]
pub(crate) use zeros;

/// An array of what an expression makes, a constant except under loom.
#[cfg(not(ringfence_loom))]
#[allow(unused_macros, reason = "used where there is compare-and-swap")]
macro_rules! filled {
    ($new:expr; $n:expr) => {
        [const { $new }; $n]
    };
}
#[cfg(ringfence_loom)]
#[allow(unused_macros, reason = "used where there is compare-and-swap")]
macro_rules! filled {
    ($new:expr; $n:expr) => {
        core::array::from_fn::<_, $n, _>(|_| $new)
    };
}
#[allow(unused_imports, reason = "used where there is compare-and-swap")]
pub(crate) use filled;

/// What needs `alloc::sync::Arc`, which portable-atomic does not bring.
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
#[allow(unused_macros, reason = "used where there is compare-and-swap")]
macro_rules! with_arc {
    ($($item:item)*) => { $($item)* };
}
#[cfg(not(all(feature = "alloc", target_has_atomic = "ptr")))]
#[allow(unused_macros, reason = "used where there is compare-and-swap")]
macro_rules! with_arc {
    ($($item:item)*) => {};
}
#[allow(unused_imports, reason = "used where there is compare-and-swap")]
pub(crate) use with_arc;

#[cfg(not(ringfence_loom))]
mod native {
    #[cfg(test)]
    pub use super::stepped::*;
    #[cfg(not(test))]
    pub use core::{hint::spin_loop, sync::atomic::*};

    /// Atomics that need read-modify-write operations.
    pub mod rmw {
        #[cfg(test)]
        pub use super::super::stepped::{AtomicBool, AtomicUsize};
        #[cfg(all(not(test), not(feature = "portable-atomic")))]
        pub use core::sync::atomic::{AtomicBool, AtomicUsize};
        #[cfg(all(not(test), feature = "portable-atomic"))]
        pub use portable_atomic::{AtomicBool, AtomicUsize};

        with_64_bit_slots! {
            #[cfg(test)]
            pub use super::super::stepped::AtomicU64;
            #[cfg(all(not(test), not(feature = "portable-atomic")))]
            pub use core::sync::atomic::AtomicU64;
            #[cfg(all(not(test), feature = "portable-atomic"))]
            pub use portable_atomic::AtomicU64;
        }
        with_128_bit_slots! { pub use super::super::wide::AtomicU128; }
    }

    macro_rules! atomic {
        ($($atomic:ty: $word:ty),*) => {$(
            impl crate::sync::Atomic<$word> for $atomic {
                const ZERO: Self = Self::new(0);
                #[inline(always)]
                fn load(&self, order: Ordering) -> $word {
                    <$atomic>::load(self, order)
                }
                #[inline(always)]
                fn store(&self, word: $word, order: Ordering) {
                    <$atomic>::store(self, word, order);
                }
            }
        )*};
    }
    atomic!(AtomicU8: u8, AtomicU16: u16, AtomicU32: u32, AtomicUsize: usize);
    with_64_bit_slots! { atomic!(rmw::AtomicU64: u64); }
    /// A type of its own, there.
    #[cfg(all(not(test), feature = "portable-atomic"))]
    mod portable {
        use super::{Ordering, rmw};
        atomic!(rmw::AtomicUsize: usize);
    }

    /// A fence of all.
    #[inline(always)]
    pub fn full_fence() {
        // ORDERING: whoever calls it names the edge.
        fence(Ordering::SeqCst);
    }

    /// Whether two cores may fight over a cache line.
    pub const CONTENDED: bool = cfg!(not(any(target_os = "none", ringfence_bare)));

    /// Whether to read what another core may be writing costs more than a copy.
    pub const KEEPS: bool = CONTENDED;

    /// Whether a call is to be told apart from its first attempt, which then needs few
    /// registers: where there are few, and code is dear, it is both at once.
    pub const TRIES_ONCE: bool = CONTENDED;

    /// One of `places`, rarely the same in two threads: by where their stacks are.
    #[inline(always)]
    pub fn scatter(places: usize) -> usize {
        if !CONTENDED {
            return 0;
        }
        let local = 0u8;
        // Frames of one thread are rarely 16 KiB apart, stacks always. The factor is
        // that of Fibonacci hashing.
        let stack = (&raw const local).addr() as u64 >> 14;
        let hash = stack.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        ((hash * places as u64) >> 32) as usize
    }

    /// Asks for the cache line at `address`, to write to it soon.
    #[inline(always)]
    pub fn prefetch_write<T>(address: *const T) {
        #[cfg(all(target_arch = "x86_64", not(target_os = "none"), not(miri)))]
        // SAFETY: it changes nothing that a program can see, whatever the
        // address, and is a no-op to a processor that does not know it.
        unsafe {
            core::arch::asm!(
                "prefetchw [{}]",
                in(reg) address,
                options(readonly, nostack, preserves_flags)
            );
        }
        #[cfg(not(all(target_arch = "x86_64", not(target_os = "none"), not(miri))))]
        let _ = address;
    }

    /// An atomic word at zero.
    pub const fn zero<W, A: super::Atomic<W>>() -> A {
        A::ZERO
    }

    /// Watches who touches which slot: nothing outside loom.
    #[derive(Clone, Copy, Debug)]
    pub struct Watch;

    impl Watch {
        pub const fn new(_slots: usize) -> Self {
            Self
        }
        #[inline(always)]
        pub fn with<R>(&self, _index: usize, read: impl FnOnce() -> R) -> R {
            read()
        }
        #[inline(always)]
        pub fn with_mut<R>(&self, _index: usize, write: impl FnOnce() -> R) -> R {
            write()
        }
        #[inline(always)]
        pub fn run(&self, _index: usize, _len: usize) {}
        #[inline(always)]
        pub fn run_mut(&self, _index: usize, _len: usize) {}
    }
}

/// Atomics for this crate's own tests, in which a thread can be stopped for good
/// before any of its steps.
#[cfg(all(test, not(ringfence_loom)))]
pub(crate) mod stepped {
    use core::cell::Cell;
    use core::sync::atomic as raw;
    pub use core::sync::atomic::Ordering;

    /// What a thread does instead of its next step.
    type Stop = fn() -> !;

    std::thread_local! {
        /// How many steps this thread may still take, and what it does then.
        static LEFT: Cell<Option<(usize, Stop)>> = const { Cell::new(None) };
        static STEPS: Cell<usize> = const { Cell::new(0) };
        static PAUSES: Cell<usize> = const { Cell::new(0) };
    }

    /// How many steps the current thread takes in `run`, and how many pauses.
    pub(crate) fn count(run: impl FnOnce()) -> (usize, usize) {
        let (steps, pauses) = (STEPS.get(), PAUSES.get());
        run();
        (STEPS.get() - steps, PAUSES.get() - pauses)
    }

    pub(crate) fn spin_loop() {
        PAUSES.set(PAUSES.get() + 1);
    }

    /// Lets the current thread take `steps` more steps, and then runs `stop`.
    pub(crate) fn stop_after(steps: usize, stop: Stop) {
        LEFT.set(Some((steps, stop)));
    }

    pub(super) fn step() {
        STEPS.set(STEPS.get() + 1);
        match LEFT.get() {
            None => {}
            Some((0, stop)) => stop(),
            Some((left, stop)) => LEFT.set(Some((left - 1, stop))),
        }
    }

    pub(crate) fn fence(order: Ordering) {
        step();
        raw::fence(order);
    }

    macro_rules! atomic {
        ($($atomic:ident: $word:ty),*) => {$(
            #[derive(Debug)]
            pub struct $atomic(raw::$atomic);

            impl $atomic {
                pub const fn new(word: $word) -> Self {
                    Self(raw::$atomic::new(word))
                }
                pub fn load(&self, order: Ordering) -> $word {
                    step();
                    self.0.load(order)
                }
                pub fn store(&self, word: $word, order: Ordering) {
                    step();
                    self.0.store(word, order);
                }
            }
        )*};
    }
    atomic!(AtomicBool: bool, AtomicU8: u8, AtomicU16: u16, AtomicU32: u32, AtomicU64: u64, AtomicUsize: usize);

    impl AtomicBool {
        pub fn swap(&self, word: bool, order: Ordering) -> bool {
            step();
            self.0.swap(word, order)
        }
        pub fn compare_exchange(
            &self,
            current: bool,
            new: bool,
            success: Ordering,
            failure: Ordering,
        ) -> Result<bool, bool> {
            step();
            self.0.compare_exchange(current, new, success, failure)
        }
    }

    impl AtomicUsize {
        pub fn fetch_add(&self, n: usize, order: Ordering) -> usize {
            step();
            self.0.fetch_add(n, order)
        }
        pub fn fetch_sub(&self, n: usize, order: Ordering) -> usize {
            step();
            self.0.fetch_sub(n, order)
        }
    }

    macro_rules! swapped {
        ($($atomic:ident: $word:ty),*) => {$(
            impl $atomic {
                pub fn compare_exchange(
                    &self,
                    current: $word,
                    new: $word,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$word, $word> {
                    step();
                    self.0.compare_exchange(current, new, success, failure)
                }
            }
        )*};
    }
    swapped!(AtomicU64: u64, AtomicUsize: usize);
}

#[cfg(ringfence_loom)]
mod modelled {
    extern crate std;

    pub use core::hint::spin_loop;
    use core::panic::Location;
    use loom::sync::atomic as raw;
    pub use loom::sync::atomic::Ordering;
    use std::sync::Arc;
    use std::vec::Vec;

    pub use self::weaken::relaxed;

    /// Read-modify-write operations need no other backing here.
    pub mod rmw {
        pub use super::{AtomicBool, AtomicU64, AtomicUsize};
    }

    /// The negative control of every model: one ordering, fence or wake-up,
    /// named by its place in the source, is left out, and the model must fail.
    pub mod weaken {
        use super::std::collections::BTreeSet;
        use super::std::string::{String, ToString};
        use super::std::sync::{Mutex, OnceLock};
        use super::{Location, Ordering, Vec};

        static SITES: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

        /// The site to leave out, `file:line:column`, from the environment.
        fn chosen() -> Option<&'static str> {
            static CHOSEN: OnceLock<Option<String>> = OnceLock::new();
            CHOSEN
                .get_or_init(|| super::std::env::var("RINGFENCE_WEAKEN").ok())
                .as_deref()
        }

        /// Notes the calling site, and says whether it is to be left out.
        #[track_caller]
        pub fn left_out() -> bool {
            let site = Location::caller().to_string();
            let chosen = chosen() == Some(site.as_str());
            SITES.lock().unwrap().insert(site);
            chosen
        }

        /// `order`, or Relaxed where the calling site is to be left out.
        #[track_caller]
        pub fn relaxed(order: Ordering) -> Ordering {
            if order != Ordering::Relaxed && left_out() {
                Ordering::Relaxed
            } else {
                order
            }
        }

        /// Every site that has been executed so far.
        pub fn sites() -> Vec<String> {
            SITES.lock().unwrap().iter().cloned().collect()
        }
    }

    /// A fence, unless the site is weakened.
    #[track_caller]
    pub fn fence(order: Ordering) {
        if !weaken::left_out() {
            raw::fence(order);
        }
    }

    loom::lazy_static! {
        static ref FENCES: raw::AtomicBool = raw::AtomicBool::new(false);
    }

    /// A fence of all, before which loom may switch threads, as it does not before its
    /// own: a store that is followed by a fence at once is else never seen between them.
    #[track_caller]
    pub fn full_fence() {
        FENCES.store(true, Ordering::Relaxed);
        if !weaken::left_out() {
            // ORDERING: whoever calls it names the edge.
            raw::fence(Ordering::SeqCst);
        }
    }

    /// The same in all threads, so that they meet.
    pub fn scatter(_places: usize) -> usize {
        0
    }

    /// Compilers are not modelled.
    pub fn compiler_fence(_order: Ordering) {}

    macro_rules! atomic {
        ($($atomic:ident: $word:ty),*) => {$(
            /// loom's, with a companion.
            #[derive(Debug)]
            pub struct $atomic {
                inner: raw::$atomic,
                companion: raw::AtomicBool,
            }

            impl $atomic {
                #[track_caller]
                pub fn new(word: $word) -> Self {
                    Self {
                        inner: raw::$atomic::new(word),
                        companion: raw::AtomicBool::new(false),
                    }
                }
                fn seen(&self) -> &raw::$atomic {
                    self.companion.store(true, Ordering::Relaxed);
                    &self.inner
                }
                #[track_caller]
                pub fn load(&self, order: Ordering) -> $word {
                    self.seen().load(relaxed(order))
                }
                #[track_caller]
                pub fn store(&self, word: $word, order: Ordering) {
                    self.seen().store(word, relaxed(order));
                }
                #[track_caller]
                pub fn swap(&self, word: $word, order: Ordering) -> $word {
                    self.seen().swap(word, relaxed(order))
                }
                #[track_caller]
                pub fn compare_exchange(
                    &self,
                    current: $word,
                    new: $word,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$word, $word> {
                    let (success, failure) = (relaxed(success), relaxed(failure));
                    self.seen().compare_exchange(current, new, success, failure)
                }
            }
        )*};
    }
    atomic!(AtomicBool: bool, AtomicU8: u8, AtomicU16: u16, AtomicU32: u32, AtomicU64: u64, AtomicUsize: usize);

    macro_rules! integer {
        ($($atomic:ident: $word:ty),*) => {$(
            impl $atomic {
                #[track_caller]
                pub fn fetch_add(&self, word: $word, order: Ordering) -> $word {
                    self.seen().fetch_add(word, relaxed(order))
                }
                #[track_caller]
                pub fn fetch_sub(&self, word: $word, order: Ordering) -> $word {
                    self.seen().fetch_sub(word, relaxed(order))
                }
                #[track_caller]
                pub fn fetch_or(&self, word: $word, order: Ordering) -> $word {
                    self.seen().fetch_or(word, relaxed(order))
                }
                #[track_caller]
                pub fn fetch_max(&self, word: $word, order: Ordering) -> $word {
                    self.seen().fetch_max(word, relaxed(order))
                }
            }

            impl super::Atomic<$word> for $atomic {
                #[track_caller]
                fn load(&self, order: Ordering) -> $word {
                    $atomic::load(self, order)
                }
                #[track_caller]
                fn store(&self, word: $word, order: Ordering) {
                    $atomic::store(self, word, order);
                }
                fn zero() -> Self {
                    Self::new(0)
                }
            }
        )*};
    }
    integer!(AtomicU8: u8, AtomicU16: u16, AtomicU32: u32, AtomicU64: u64, AtomicUsize: usize);

    /// Caches are not modelled.
    pub const CONTENDED: bool = false;

    /// As on hosts, unless the other way is to be modelled.
    pub const KEEPS: bool = cfg!(not(ringfence_bare));

    /// As well.
    pub const TRIES_ONCE: bool = KEEPS;

    /// Caches are not modelled.
    pub fn prefetch_write<T>(_address: *const T) {}

    /// An atomic word at zero.
    pub fn zero<W, A: super::Atomic<W>>() -> A {
        A::zero()
    }

    /// Watches who touches which slot: one of loom's cells beside each.
    #[derive(Clone, Debug)]
    pub struct Watch(Arc<Vec<loom::cell::UnsafeCell<()>>>);

    impl Watch {
        pub fn new(slots: usize) -> Self {
            #[allow(
                clippy::arc_with_non_send_sync,
                reason = "the slots say who may share it"
            )]
            Self(Arc::new(
                (0..slots)
                    .map(|_| loom::cell::UnsafeCell::new(()))
                    .collect(),
            ))
        }
        #[track_caller]
        pub fn with<R>(&self, index: usize, read: impl FnOnce() -> R) -> R {
            self.0[index].with(|_| read())
        }
        #[track_caller]
        pub fn with_mut<R>(&self, index: usize, write: impl FnOnce() -> R) -> R {
            self.0[index].with_mut(|_| write())
        }
        #[track_caller]
        pub fn run(&self, index: usize, len: usize) {
            (index..index + len).for_each(|index| self.with(index, || ()));
        }
        #[track_caller]
        pub fn run_mut(&self, index: usize, len: usize) {
            (index..index + len).for_each(|index| self.with_mut(index, || ()));
        }
    }
}
