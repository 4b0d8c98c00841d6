// Memory of tensors: 64-byte aligned blocks, counted by reference, reused by size class.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/device.h"

namespace fastnn {

// One piece of memory and the count of its owners (Tensors, NumPy views, recorded calls).
struct Block {
  std::atomic<int64_t> references{1};
  char* data = nullptr;
  size_t bytes = 0;                  // usable size, at least what was asked for
  std::atomic<uint64_t> version{0};  // raised by every write; saved values are checked against it
  uint64_t serial = 0;     // every allocation has its own; later ones of a thread are larger
  int32_t size_class = 0;  // kBorrowed: not the pool's
  Device device = Device::cpu;
  Block* next = nullptr;  // of the pool's free blocks

  void note_write() { version.fetch_add(1, std::memory_order_relaxed); }
};

// A new block with one reference. Throws std::bad_alloc.
Block* allocate_block(size_t bytes);

// The same for a while: a block that is kept for reuse, large enough and at most about eight times
// so large, before a new one.
Block* allocate_for_now(size_t bytes);

// A block around memory that somebody else owns; drop(owner) is called, on any thread, when the
// last reference goes.
Block* borrow_block(char* data, size_t bytes, void* owner, void (*drop)(void* owner));

// Whether the block's memory is somebody else's, who may write to it.
bool is_borrowed(const Block& block);

// The serial number that this thread's next block gets.
uint64_t next_block_serial();

void destroy_block(Block* block);  // called by `release` for the last reference only

inline void retain(Block* block) { block->references.fetch_add(1, std::memory_order_relaxed); }
inline void release(Block* block) {
  if (block->references.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy_block(block);
}

struct MemoryStats {
  int64_t in_use_bytes;     // in blocks that have an owner
  int64_t cached_bytes;     // in blocks kept for reuse
  int64_t peak_bytes;       // largest in_use_bytes so far
  int64_t limit_bytes;      // most that is kept for reuse
  int64_t system_requests;  // blocks asked from the system so far
  int64_t pool_requests;    // blocks served from the pool so far
};

MemoryStats memory_stats();
void release_cached_memory();  // gives every cached block back to the system

}  // namespace fastnn
