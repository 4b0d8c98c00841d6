// Random primitives. A state is int64 [key, counter], the bits of two uint64; a draw of w words
// advances the counter by ceil(w / 4).
#pragma once

#include "core/primitive.h"
#include "kernels/random.h"

namespace fastnn {

constexpr int64_t kRandomTask = 1 << 14;  // elements of one task, whole blocks of words

void check_state(const Call& call, int operand);

// The state before a draw of `words` words, which advances it.
PhiloxState draw(const Array& state, int64_t words);

// Where a task starts that is `words` words into a draw; a multiple of four.
inline PhiloxState skip(PhiloxState state, int64_t words) {
  state.counter += static_cast<uint64_t>(words) / 4;
  return state;
}

void register_dropout();
void register_permutation();

}  // namespace fastnn
