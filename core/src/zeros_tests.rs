//! The empty state of every ring in place is all zeros, so that a static takes no room in
//! flash: the bytes of statics, as the compiler has made them.

use crate::{mpmc, spsc, stamped};

fn is_zeros<T>(ring: &'static T) -> bool {
    let bytes = core::ptr::from_ref(ring).cast::<u8>();
    // SAFETY: in bounds. What of a static is not initialised has some value in memory, and
    // a volatile read takes it as it is.
    (0..size_of::<T>()).all(|at| unsafe { bytes.add(at).read_volatile() } == 0)
}

macro_rules! is_zeros {
    ($ring:ty) => {{
        static RING: $ring = <$ring>::new();
        assert!(is_zeros(&RING), "{}", stringify!($ring));
    }};
}

#[test]
#[cfg_attr(miri, ignore = "it reads what is not initialised")]
fn empty_rings_are_zeros() {
    is_zeros!(spsc::Ring<u32, 16>);
    is_zeros!(spsc::Ring<[u8; 3], 7, u8>);
    #[cfg(feature = "async")]
    is_zeros!(spsc::AsyncRing<u32, 10, u16>);
    is_zeros!(mpmc::Ring<u32, 16>);
    is_zeros!(mpmc::Ring<[u8; 3], 7, 2>);
    is_zeros!(mpmc::Words<u32, 16>);
    is_zeros!(mpmc::Words<u8, 3>);
    is_zeros!(stamped::Ring<u32, 16>);
    is_zeros!(stamped::Ring<[u8; 3], 7>);

    static NOT: [u8; 3] = [0, 0, 1];
    assert!(!is_zeros(&NOT));
}
