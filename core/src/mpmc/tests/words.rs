//! What may be in a slot itself comes out as it went in, and is dropped once.

use core::num::{NonZeroI8, NonZeroU32};

use super::*;

assert_impl_all!(Words<u32, 2>: Send, Sync);

fn round_trips<T: Payload + PartialEq + Debug + Clone>(items: &[T]) {
    let ring = Words::<T, 3>::new();
    for item in items {
        assert_eq!(ring.try_push(item.clone()), Ok(()));
        assert_eq!(ring.try_pop().as_ref(), Some(item));
        let ring = Words::<T, 1>::new();
        assert_eq!(ring.force_push(item.clone()), None);
        assert_eq!(ring.try_push(items[0].clone()), Err(Full(items[0].clone())));
        assert_eq!(ring.force_push(items[0].clone()).as_ref(), Some(item));
        assert_eq!(ring.into_iter().collect::<Vec<_>>(), [items[0].clone()]);
    }
}

#[test]
fn small_items_come_out_as_they_went_in() {
    round_trips(&[0, 1, u8::MAX]);
    round_trips(&[0, -1, i8::MIN, i8::MAX]);
    round_trips(&[0, 1, u16::MAX]);
    round_trips(&[0, -1, i16::MIN, i16::MAX]);
    round_trips(&[0, 1, u32::MAX]);
    round_trips(&[0, -1, i32::MIN, i32::MAX]);
    round_trips(&[false, true]);
    round_trips(&['\0', 'a', char::MAX]);
    round_trips(&[0.0, -1.5, f32::INFINITY, f32::MIN_POSITIVE]);
    round_trips(&[NonZeroU32::MIN, NonZeroU32::MAX]);
    round_trips(&[None, NonZeroI8::new(-1), NonZeroI8::new(1)]);
}

crate::sync::with_128_bit_slots! {
    #[test]
    fn wide_items_come_out_as_they_went_in() {
        use core::num::NonZeroU64;
        round_trips(&[0, 1, u64::MAX]);
        round_trips(&[0, -1, i64::MIN, i64::MAX]);
        round_trips(&[0.0, -1.5, f64::NEG_INFINITY]);
        round_trips(&[None, NonZeroU64::new(1), NonZeroU64::new(u64::MAX)]);
        agrees(&Words::<_, 1>::new(), u64::from);
        agrees(&Words::<_, 3>::new(), u64::from);
        agrees(&Words::<_, 8>::new(), u64::from);
    }
}

crate::sync::with_pointer_slots! {
    #[test]
    fn pointers_come_out_as_they_went_in() {
        use core::ptr::NonNull;
        let (one, two) = (1, 2);
        round_trips(&[&one, &two]);
        round_trips(&[None, Some(&one)]);
        round_trips(&[NonNull::from(&one), NonNull::from(&two)]);
        round_trips(&[0, usize::MAX]);
        round_trips(&[0, isize::MIN]);
        assert_not_impl_any!(Words<NonNull<u8>, 2>: Sync, Send);
    }
}

#[cfg(feature = "alloc")]
crate::sync::with_pointer_slots! {
    #[test]
    fn what_owns_comes_out_as_it_went_in() {
        use std::boxed::Box;
        round_trips(&[Box::new(1), Box::new(2)]);
        round_trips(&[None, Some(Box::new(1))]);
        round_trips(&[Arc::new(1), Arc::new(2)]);
        round_trips(&[None, Some(Arc::new(1))]);
        assert_not_impl_any!(Words<Box<Rc<u8>>, 2>: Sync, Send);
        assert_impl_all!(Words<Box<core::cell::Cell<u8>>, 2>: Sync, Send);
    }

    #[test]
    fn what_owns_is_dropped_once() {
        use std::boxed::Box;
        let drops = Arc::new(Plain::new(0));
        let item = |panics| Box::new(super::Counted(drops.clone(), panics));
        let ring = Words::<_, 3>::new();
        for _ in 0..3 {
            assert!(ring.try_push(item(false)).is_ok());
        }
        drop(ring.try_push(item(false)));
        assert_eq!(drops.load(Relaxed), 1);
        drop(ring.force_push(item(false)));
        assert_eq!(drops.load(Relaxed), 2);
        drop(ring.try_pop());
        assert_eq!(drops.load(Relaxed), 3);
        drop(ring);
        assert_eq!(drops.load(Relaxed), 5);
        // An iterator that is dropped half way, and a panic in between.
        let ring = Words::<_, 4>::new();
        for panics in [false, true, false, false] {
            assert!(ring.try_push(item(panics)).is_ok());
        }
        let mut items = ring.into_iter();
        assert_eq!(items.len(), 4);
        drop(items.next());
        assert_eq!((items.len(), drops.load(Relaxed)), (3, 6));
        assert!(catch_unwind(AssertUnwindSafe(|| drop(items))).is_err());
        assert_eq!(drops.load(Relaxed), 9);
    }

    #[test]
    fn counts_of_references_are_kept() {
        let item = Arc::new(7);
        let ring = HeapWords::try_with_capacity(2).unwrap();
        ring.try_push(item.clone()).unwrap();
        ring.try_push(item.clone()).unwrap();
        assert!(ring.try_push(item.clone()).is_err());
        assert_eq!(Arc::strong_count(&item), 3);
        assert_eq!(ring.drain().count(), 2);
        assert_eq!(Arc::strong_count(&item), 1);
        ring.force_push(item.clone());
        drop(ring);
        assert_eq!(Arc::strong_count(&item), 1);
    }
}
