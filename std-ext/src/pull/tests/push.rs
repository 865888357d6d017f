//! What comes without being asked for.

use super::*;

#[test]
fn what_is_pushed_waits_for_demand_by_each_policy() {
    for (on_full, expected, fate) in [
        (OnFull::DropNewest, [0, 1], "refused"),
        (OnFull::DropOldest, [8, 9], "evicted"),
    ] {
        let overflow = Overflow::buffer(channel(2).spsc().on_full(on_full));
        let (mut emitter, pushed) = push::<_, ()>(overflow).split();
        let log = probe(&pushed, 0);
        for item in 0..10 {
            let _ = emitter.emit(item).unwrap();
        }
        assert_eq!(items(&log), []);
        emitter.complete();
        assert_eq!(end(&log), None, "two are inside");
        request(&log, 2);
        assert_eq!((items(&log), end(&log)), (expected.to_vec(), Some(Ok(()))));
        let stats = pushed.monitor().stats();
        assert_eq!((stats.offered, stats.delivered, stats.depth), (10, 2, 0));
        let [refused, evicted] = if fate == "refused" { [8, 0] } else { [0, 8] };
        assert_eq!((stats.refused_newest, stats.evicted), (refused, evicted));
        assert!(stats.is_exact());
    }
}

/// A source that waits for room goes on when another thread asks.
#[test]
fn a_blocked_source_goes_on_with_demand() {
    let overflow = Overflow::buffer(channel(1).spsc().on_full(OnFull::Block));
    let (mut emitter, pushed) = push::<u32, ()>(overflow).split();
    let monitor = pushed.monitor();
    let log = probe(&pushed, 0);
    let source = std::thread::spawn(move || {
        for item in 0..10 {
            assert_eq!(emitter.emit(item), Ok(Sent::Stored));
        }
        emitter.complete();
    });
    while end(&log).is_none() {
        request(&log, 1);
        std::thread::yield_now();
    }
    source.join().unwrap();
    assert_eq!(items(&log), (0..10).collect::<Vec<_>>());
    let stats = monitor.stats();
    assert_eq!((stats.offered, stats.delivered), (10, 10));
}

#[test]
fn latest_keeps_one() {
    let (mut emitter, pushed) = push::<u32, ()>(Overflow::latest()).split();
    let log = probe(&pushed, 1);
    for item in 0..10 {
        let _ = emitter.emit(item).unwrap();
    }
    assert_eq!(items(&log), [0]);
    request(&log, 5);
    assert_eq!(items(&log), [0, 9]);
    assert_eq!(emitter.emit(10), Ok(Sent::Stored));
    assert_eq!(items(&log), [0, 9, 10]);
    assert_eq!(emitter.monitor().stats().evicted, 8);
}

#[test]
fn drop_keeps_none_and_gives_them_back() {
    let hooked = Arc::new(Mutex::new(Vec::new()));
    let hook = hooked.clone();
    let overflow = Overflow::drop(4).on_drop(move |item, _| hook.lock().unwrap().push(*item));
    let (mut emitter, pushed) = push::<u32, ()>(overflow).split();
    assert_eq!(emitter.emit(0), Ok(Sent::Refused(0)), "nobody is there");
    let log = probe(&pushed, 2);
    let sent = [1, 2, 3].map(|item| emitter.emit(item).unwrap());
    assert_eq!(sent, [Sent::Stored, Sent::Stored, Sent::Refused(3)]);
    request(&log, 1);
    assert_eq!(items(&log), [1, 2], "what was refused is gone");
    assert_eq!(emitter.emit(4), Ok(Sent::Stored));
    assert_eq!(items(&log), [1, 2, 4]);
    let stats = emitter.monitor().stats();
    assert_eq!(
        (stats.offered, stats.refused_newest, stats.delivered),
        (5, 2, 3)
    );
    assert_eq!(*hooked.lock().unwrap(), [0, 3]);
}

#[test]
fn error_ends_with_the_first_that_was_not_asked_for() {
    let source = from_iter(0..5).on_overflow(Overflow::error(4));
    let monitor = source.monitor();
    let log = probe(&source, 2);
    assert_eq!(items(&log), [0, 1]);
    assert_eq!(end(&log), Some(Err(Failure::Overflow)));
    let stats = monitor.stats();
    assert_eq!(
        (stats.offered, stats.delivered, stats.refused_newest),
        (3, 2, 1)
    );
}

/// What is inside when the subscriber goes is dropped, and counted.
#[test]
fn cancelling_drains_the_buffer() {
    let overflow = Overflow::buffer(channel(4).spsc().on_full(OnFull::DropNewest));
    let source = from_iter(0..3).map(Arc::new).on_overflow(overflow);
    let monitor = source.monitor();
    let log = probe(&source, 1);
    subscription(&log).cancel();
    let stats = monitor.stats();
    assert_eq!((stats.stored, stats.delivered, stats.drained), (3, 1, 2));
    assert!(log.lock().unwrap().end.is_none());
}

/// Who pushes is told that nobody listens, and gets its item back.
#[test]
fn an_emitter_knows_that_it_was_cancelled() {
    let (mut emitter, pushed) = push::<u32, ()>(Overflow::latest()).split();
    let log = probe(&pushed, 1);
    assert!(!emitter.is_cancelled());
    subscription(&log).cancel();
    assert!(emitter.is_cancelled());
    assert_eq!(emitter.emit(1).unwrap_err().into_inner(), 1);
}

#[test]
fn an_emitter_that_is_dropped_has_failed() {
    let (emitter, pushed) = push::<u32, &str>(Overflow::latest()).split();
    let log = probe(&pushed, 0);
    drop(emitter);
    assert_eq!(end(&log), Some(Err(Failure::Abandoned)));

    let (emitter, pushed) = push::<u32, &str>(Overflow::latest()).split();
    let log = probe(&pushed, 0);
    emitter.fail("broken");
    assert_eq!(end(&log), Some(Err(Failure::Source("broken"))));
}
