// What a sum adds, and in which order: a function of shape, dtype and layout alone.
//
// Drivers and kernels take these constants from here, so that any number of threads, any cache
// size and any vector width gives the same bits. None of them may be tuned at run time.
#pragma once

#include <stdint.h>

namespace fastnn {
namespace {

/* Matrix products: k is cut into blocks of kSumBlock; each is one ascending chain of fused
 * multiply-adds from zero; the sums of the blocks are added in ascending order. */
constexpr int64_t kSumBlock = 256;

/* Long sums over few outputs, whose blocks are shared out: of B blocks, at most this many groups
 * hold ceil(B / groups) consecutive ones, added in order; then the groups in order. */
constexpr int64_t kSumGroups = 64;

/* Sums along the vector: index i goes to lane i mod kDotLanes, on every instruction set; lanes are
 * folded in halves (16, 8, 4, 2, 1); blocks of kDotBlock are folded in pairs. */
constexpr int64_t kDotLanesF32 = 32;
constexpr int64_t kDotLanesF64 = 16;
constexpr int64_t kDotBlock = 4096;

/* Sums across rows: blocks of kRowBlock rows, each added in order, are folded in pairs. */
constexpr int64_t kRowBlock = 256;

/* Running sums of rows: blocks of kRunBlock from where the sum begins, each a chain of its own, to
 * which the last result of the block before is added. Of columns: one chain. */
constexpr int64_t kRunBlock = 2048;

/* Attention: softmax over blocks of this many keys, in order; gradients by keys and values over
 * nearly equal blocks of at most this many queries, in order. */
constexpr int64_t kAttentionKeys = 256;
constexpr int64_t kAttentionQueries = 64;

/* The gradients of scale and shift of normalized rows: blocks of kNormBlock rows, each added in
 * order, are rows of a sum across rows. */
constexpr int64_t kNormBlock = 32;

/* Folding in pairs, one value at a time: neighbours are added, then neighbouring sums, an odd one
 * out waits for the next round. Keeps one partial sum for every power of two. */
template <class T>
struct PairwiseSum {
  T partial[48];
  int64_t count;

  void clear() { count = 0; }

  static int ones(int64_t bits) {
    int n = 0;
    for (; bits; bits &= bits - 1) ++n;
    return n;
  }

  void add(T value) {
    int top = ones(count);
    for (int64_t bits = count; bits & 1; bits >>= 1) value = partial[--top] + value;
    partial[top] = value;
    ++count;
  }

  T total() const {
    int top = ones(count);
    if (top == 0) return T(0);
    T sum = partial[--top];
    while (top > 0) sum = partial[--top] + sum;
    return sum;
  }
};

}  // namespace
}  // namespace fastnn
