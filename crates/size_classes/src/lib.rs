//! An allocator for modules of one thread, in front of the system's (in wasm: dlmalloc). A request to the service takes
//! a hundred small blocks and gives them back; here each of both is a few instructions: the block comes from, and
//! returns to, the list of the free blocks of its size. Sizes are rounded up to a multiple of 32 bytes.
//!
//! A block that was small once stays small. That costs nothing where memory is never given back anyway, as in wasm,
//! but for a program whose small blocks of one size all go before those of another come.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    ptr,
};

const STEP: usize = 32;
/// Larger blocks are the system's business.
const LARGEST: usize = 1024;
const CLASSES: usize = LARGEST / STEP + 1;
/// What the system aligns to in any case.
const ALIGNMENT: usize = 8;

/// The allocator: `#[global_allocator] static ALLOCATOR: SizeClasses = SizeClasses::new();`
pub struct SizeClasses {
    /// The first free block of each size. A free block's first bytes point to the next one.
    free: [Cell<*mut u8>; CLASSES],
}

// SAFETY: there is one thread. (A wasm module with threads has the feature `atomics`, which is refused here.)
#[cfg(any(test, all(target_family = "wasm", not(target_feature = "atomics"))))]
unsafe impl Sync for SizeClasses {}

impl SizeClasses {
    /// An allocator that has nothing yet.
    pub const fn new() -> SizeClasses {
        SizeClasses { free: [const { Cell::new(ptr::null_mut()) }; CLASSES] }
    }

    /// The list for blocks like this, and the layout that they all have. None: it is the system's.
    #[inline]
    fn class(&self, layout: Layout) -> Option<(&Cell<*mut u8>, Layout)> {
        if layout.size() > LARGEST || layout.align() > ALIGNMENT {
            return None;
        }
        let class = layout.size().div_ceil(STEP);
        let size = class * STEP;
        Some((self.free.get(class)?, Layout::from_size_align(size, ALIGNMENT).ok()?))
    }
}

impl Default for SizeClasses {
    fn default() -> SizeClasses {
        SizeClasses::new()
    }
}

// SAFETY: a block comes from the system with at least the size and alignment asked for, is on no list while it is used,
// and is given back to the list, or to the system, with the layout that it was taken with.
unsafe impl GlobalAlloc for SizeClasses {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some((free, layout)) = self.class(layout) else {
            // SAFETY: the caller's promise.
            return unsafe { System.alloc(layout) };
        };
        let block = free.get();
        if block.is_null() {
            // SAFETY: as above; the layout is not empty, because nobody asks for a block of no bytes.
            return unsafe { System.alloc(layout) };
        }
        // SAFETY: it is a free block, and `dealloc` wrote a pointer into it.
        free.set(unsafe { block.cast::<*mut u8>().read() });
        block
    }

    #[inline(never)]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let Some((free, _)) = self.class(layout) else {
            // SAFETY: the caller's promise.
            return unsafe { System.dealloc(block, layout) };
        };
        // SAFETY: the block is the caller's no more, has 32 bytes at least, and is aligned for a pointer.
        unsafe { block.cast::<*mut u8>().write(free.get()) };
        free.set(block);
    }

    #[inline(never)]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the size, rounded up to the alignment, does not overflow.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (self.class(layout), self.class(wanted)) {
            // SAFETY: the caller's promise.
            (None, None) => unsafe { System.realloc(block, layout, size) },
            (Some((_, old)), Some((_, new))) if old == new => block,
            _ => {
                // SAFETY: the caller's promise; both blocks have the bytes that are copied, and do not overlap.
                unsafe {
                    let new = self.alloc(wanted);
                    if !new.is_null() {
                        ptr::copy_nonoverlapping(block, new, layout.size().min(size));
                        self.dealloc(block, layout);
                    }
                    new
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_apart_keep_what_is_written_and_are_used_again() {
        let allocator = SizeClasses::new();
        let sizes = (1..2000).step_by(13);
        for _ in 0..3 {
            let mut blocks = Vec::new();
            for (byte, size) in (0_u8..).zip(sizes.clone()) {
                let layout = Layout::from_size_align(size, 8).unwrap();
                // SAFETY: the layout is not empty, and the block is as long as it says.
                let block = unsafe {
                    let block = allocator.alloc(layout);
                    ptr::write_bytes(block, byte, size);
                    block
                };
                assert_eq!(block as usize % 8, 0);
                blocks.push((block, layout, byte));
            }
            for (block, layout, byte) in blocks {
                // SAFETY: the block is in use until `dealloc`, with this layout.
                unsafe {
                    assert!(std::slice::from_raw_parts(block, layout.size()).iter().all(|found| *found == byte));
                    allocator.dealloc(block, layout);
                }
            }
        }
        let layout = Layout::from_size_align(100, 8).unwrap();
        // SAFETY: as above.
        unsafe {
            let first = allocator.alloc(layout);
            allocator.dealloc(first, layout);
            assert_eq!(allocator.alloc(Layout::from_size_align(128, 1).unwrap()), first);
        }
    }

    #[test]
    fn a_block_that_grows_or_shrinks_keeps_its_bytes() {
        let allocator = SizeClasses::new();
        let mut layout = Layout::from_size_align(7, 1).unwrap();
        // SAFETY: the block has the layout that it was given last.
        unsafe {
            let mut block = allocator.alloc(layout);
            ptr::copy_nonoverlapping(b"content".as_ptr(), block, 7);
            for size in [20, 33, 1024, 1025, 5000, 900, 64, 8] {
                block = allocator.realloc(block, layout, size);
                layout = Layout::from_size_align(size, 1).unwrap();
                assert_eq!(std::slice::from_raw_parts(block, 7), b"content");
            }
            allocator.dealloc(block, layout);
        }
    }
}
