//! The models, and for each of them its negative controls: `cargo loom`.
//!
//! A model runs a few operations on a few threads through every interleaving
//! that loom can tell apart, with a bounded number of preemptions. Green alone
//! says little, so every ordering, fence and wake-up that the models
//! execute is then left out, one at a time, and some model must fail.
//!
//! * `cargo loom`: all of it.
//! * `cargo loom -- NAME…`: models whose name contains one of these.
//! * `cargo loom -- --matrix`: every control on every model, not only until one
//!   catches it.
//! * `cargo loom -- --green`: the models alone, without the controls.
//! * `RINGFENCE_PREEMPTIONS=4 cargo loom`: deeper, and much longer.
//! * `RINGFENCE_WEAKEN=file:line:column cargo loom -- --child NAME`: one model
//!   with one site left out, and what loom says.
//!
//! Without `--cfg ringfence_loom` it does nothing.

#[cfg(ringfence_loom)]
mod channel;
#[cfg(ringfence_loom)]
mod credit;
#[cfg(ringfence_loom)]
mod evict;
#[cfg(ringfence_loom)]
mod future;
#[cfg(ringfence_loom)]
mod harness;
#[cfg(ringfence_loom)]
mod meeting;
#[cfg(ringfence_loom)]
mod mpmc;
#[cfg(ringfence_loom)]
mod party;
#[cfg(ringfence_loom)]
mod pipe;
#[cfg(ringfence_loom)]
mod pipeline;
#[cfg(ringfence_loom)]
mod poll;
#[cfg(ringfence_loom)]
mod pull;
#[cfg(ringfence_loom)]
mod rendezvous;
#[cfg(ringfence_loom)]
mod select;
#[cfg(ringfence_loom)]
mod spsc;
#[cfg(ringfence_loom)]
mod stamped;
#[cfg(ringfence_loom)]
mod waiting;

#[cfg(not(ringfence_loom))]
fn main() {
    println!("no models without --cfg ringfence_loom: use `cargo loom`, with no RUSTFLAGS set");
}

#[cfg(ringfence_loom)]
fn main() -> std::process::ExitCode {
    harness::main(
        &[
            spsc::MODELS,
            mpmc::MODELS,
            stamped::MODELS,
            channel::MODELS,
            evict::MODELS,
            future::MODELS,
            select::MODELS,
            rendezvous::MODELS,
            waiting::MODELS,
            pipe::MODELS,
            pull::MODELS,
            meeting::MODELS,
            party::MODELS,
            credit::MODELS,
            poll::MODELS,
            pipeline::MODELS,
        ]
        .concat(),
    )
}
