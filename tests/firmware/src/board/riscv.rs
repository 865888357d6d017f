//! QEMU's RISC-V machine `virt`, without any firmware: the timer and the software interrupt
//! of the CLINT, a serial port, and the device that ends a test.

use core::arch::{asm, global_asm};
use core::fmt::{self, Write};
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};

const EXIT: *mut u32 = 0x0010_0000 as _;
const SERIAL: *mut u8 = 0x1000_0000 as _;
/// Of each hart: pends its software interrupt.
const MSIP: *mut u32 = 0x0200_0000 as _;
const MTIME: *const u32 = 0x0200_bff8 as _;
const MTIMECMP: *mut u32 = 0x0200_4000 as _;

/// Bits of `mie`.
const SOFTWARE: usize = 1 << 3;
const TIMER: usize = 1 << 7;
/// Bit of `mstatus`.
const INTERRUPTS: usize = 1 << 3;

// An interrupt saves what a function may change, and where it came from, since it may be
// interrupted itself.
global_asm!(
    r#"
    .pushsection .text.start, "ax"
    .globl _start
_start:
    csrr t0, mhartid
    bnez t0, 2f
    la sp, _first_stack_top
    la t0, _bss_start
    la t1, _bss_end
1:  bgeu t0, t1, 3f
    sw zero, 0(t0)
    addi t0, t0, 4
    j 1b
3:  la t0, interrupted
    csrw mtvec, t0
    call first
2:  la sp, _second_stack_top
    call second
    .popsection

    .balign 4
interrupted:
    addi sp, sp, -80
    sw ra, 0(sp)
    sw t0, 4(sp)
    sw t1, 8(sp)
    sw t2, 12(sp)
    sw t3, 16(sp)
    sw t4, 20(sp)
    sw t5, 24(sp)
    sw t6, 28(sp)
    sw a0, 32(sp)
    sw a1, 36(sp)
    sw a2, 40(sp)
    sw a3, 44(sp)
    sw a4, 48(sp)
    sw a5, 52(sp)
    sw a6, 56(sp)
    sw a7, 60(sp)
    csrr t0, mepc
    csrr t1, mstatus
    sw t0, 64(sp)
    sw t1, 68(sp)
    csrr a0, mcause
    call interrupt
    lw t0, 64(sp)
    lw t1, 68(sp)
    csrw mepc, t0
    csrw mstatus, t1
    lw ra, 0(sp)
    lw t0, 4(sp)
    lw t1, 8(sp)
    lw t2, 12(sp)
    lw t3, 16(sp)
    lw t4, 20(sp)
    lw t5, 24(sp)
    lw t6, 28(sp)
    lw a0, 32(sp)
    lw a1, 36(sp)
    lw a2, 40(sp)
    lw a3, 44(sp)
    lw a4, 48(sp)
    lw a5, 52(sp)
    lw a6, 56(sp)
    lw a7, 60(sp)
    addi sp, sp, 80
    mret
    "#
);

#[unsafe(no_mangle)]
extern "C" fn first() -> ! {
    no_alarm();
    // SAFETY: these set bits of registers that nobody else has set up.
    unsafe {
        asm!("csrw mie, {}", in(reg) SOFTWARE | TIMER);
        asm!("csrs mstatus, {}", in(reg) INTERRUPTS);
    }
    crate::main()
}

/// What the second hart is to do, once it is known.
static SECOND: AtomicUsize = AtomicUsize::new(0);

#[unsafe(no_mangle)]
extern "C" fn second() -> ! {
    loop {
        // SAFETY: `start_second` pends what ends the wait; interrupts are off here.
        unsafe { asm!("csrw mie, {}", "wfi", in(reg) SOFTWARE) };
        let run = SECOND.load(Ordering::Acquire);
        if run != 0 {
            // SAFETY: stored by `start_second`, of such a function.
            unsafe { core::mem::transmute::<usize, fn() -> !>(run)() }
        }
    }
}

pub(super) fn start_second(run: fn() -> !) {
    SECOND.store(run as usize, Ordering::Release);
    write(MSIP.wrapping_add(1), 1);
}

#[unsafe(no_mangle)]
extern "C" fn interrupt(cause: usize) {
    match cause & 0xff {
        7 => {
            // One alarm, one interrupt. A new alarm may be set by what follows.
            no_alarm();
            crate::on_timer();
        }
        3 => {
            write(MSIP, 0);
            // SAFETY: what the stack of this interrupt keeps is all that another changes.
            // It can only be the timer's.
            unsafe {
                asm!("csrc mie, {}", in(reg) SOFTWARE);
                asm!("csrs mstatus, {}", in(reg) INTERRUPTS);
                crate::on_pended();
                asm!("csrc mstatus, {}", in(reg) INTERRUPTS);
                asm!("csrs mie, {}", in(reg) SOFTWARE);
            }
        }
        _ => panic!("trap {cause:#x}"),
    }
}

/// Writes to a register of a device.
fn write<T>(register: *mut T, value: T) {
    // SAFETY: the addresses above are those of devices.
    unsafe { ptr::write_volatile(register, value) }
}

/// As wide as a clock that the images need; the machine's has 64 bits.
#[inline(always)]
fn now() -> u32 {
    // SAFETY: as above.
    unsafe { ptr::read_volatile(MTIME) }
}

pub(super) fn alarm(ticks: u32) {
    // No image runs for 2^32 ticks, so the upper half stays 0.
    write(MTIMECMP, now() + ticks);
    write(MTIMECMP.wrapping_add(1), 0);
}

pub(super) fn no_alarm() {
    write(MTIMECMP.wrapping_add(1), u32::MAX);
}

pub(super) fn pend() {
    write(MSIP, 1);
}

pub(super) fn wait_for_interrupt() {
    // SAFETY: it changes nothing.
    unsafe { asm!("wfi") };
}

pub(super) struct Clock(u32);

impl Clock {
    pub(super) fn start() -> Self {
        Self(now())
    }

    #[inline(always)]
    pub(super) fn ticks(&self) -> u32 {
        now() - self.0
    }
}

pub(super) fn exit(well: bool) -> ! {
    write(EXIT, if well { 0x5555 } else { 1 << 16 | 0x3333 });
    loop {
        core::hint::spin_loop();
    }
}

pub(super) fn print(text: fmt::Arguments) {
    struct Serial;
    impl Write for Serial {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            text.bytes().for_each(|byte| write(SERIAL, byte));
            Ok(())
        }
    }
    let _ = Serial.write_fmt(text);
}

struct Masked;
critical_section::set_impl!(Masked);

// SAFETY: one hart takes interrupts, and the other never calls this.
unsafe impl critical_section::Impl for Masked {
    unsafe fn acquire() -> critical_section::RawRestoreState {
        let before: usize;
        // SAFETY: interrupts come back with `release`.
        unsafe { asm!("csrrc {}, mstatus, {}", out(reg) before, in(reg) INTERRUPTS) };
        before & INTERRUPTS != 0
    }

    unsafe fn release(enabled: critical_section::RawRestoreState) {
        if enabled {
            // SAFETY: they were on before.
            unsafe { asm!("csrs mstatus, {}", in(reg) INTERRUPTS) };
        }
    }
}
