//! A limit of memory: the allocator of all targets refuses what no small model can need, and the process ends.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Largest single allocation and sum of all, in bytes.
const MOST_BYTES: usize = 1 << 30;

static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator within [`MOST_BYTES`].
#[derive(Debug)]
pub struct Limited;

// SAFETY: every call is handed on to `System` with the layout it came with, or answered with the null pointer.
unsafe impl GlobalAlloc for Limited {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if TAKEN.fetch_add(layout.size(), Ordering::Relaxed) > MOST_BYTES - layout.size().min(MOST_BYTES) {
            return std::ptr::null_mut();
        }
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if TAKEN.fetch_add(layout.size(), Ordering::Relaxed) > MOST_BYTES - layout.size().min(MOST_BYTES) {
            return std::ptr::null_mut();
        }
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        TAKEN.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}
