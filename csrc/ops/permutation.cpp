// random_permutation: the order that sorts n random 64-bit keys, equal keys by position.
//
// Keys are uniform: dealt into about as many buckets as there are keys, by their leading bits, they
// are almost sorted, and insertion finishes each bucket.
#include <cstddef>
#include <cstring>

#include "core/kernel_table.h"
#include "ops/checks.h"
#include "ops/random.h"
#include "ops/tasks.h"

namespace fastnn {
namespace {

enum { Y, State, Scratch };

struct PermutationAttributes {
  int64_t n;
};

constexpr int kMostBits = 20;

int bucket_bits(int64_t n) {
  int bits = 1;
  while (bits < kMostBits && (int64_t{1} << bits) < n) ++bits;
  return bits;
}

void infer_permutation(Call& call) {
  const int64_t n = call.attributes.as<PermutationAttributes>().n;
  check_state(call, State);
  check_extents(call, 1, &n);
  // Keys, in whole blocks of words, then where each bucket ends.
  call.set_scratch(Scratch, (n + 1) * 8 + (int64_t{8} << bucket_bits(n)));
  call.set_output(Y, DType::int64, 1, &n);
}

Status run_permutation(const Call& call) {
  const int64_t n = call.attributes.as<PermutationAttributes>().n;
  int64_t* y = call.operand(Y).as<int64_t>();
  uint64_t* keys = call.operand(Scratch).as<uint64_t>();
  int64_t* ends = reinterpret_cast<int64_t*>(keys + n + 1);
  const PhiloxState state = draw(call.operand(State), 2 * n);
  for_pieces(n, kRandomTask, [&](int64_t first, int64_t count) {
    kernels().random.words(skip(state, 2 * first), (count + 1) / 2,
                           reinterpret_cast<uint32_t*>(keys + first));
  });

  const int bits = bucket_bits(n), shift = 64 - bits;
  std::memset(ends, 0, size_t{8} << bits);
  for (int64_t i = 0; i < n; ++i) ++ends[keys[i] >> shift];
  int64_t start = 0;
  for (int64_t bucket = 0; bucket < int64_t{1} << bits; ++bucket) {
    const int64_t count = ends[bucket];
    ends[bucket] = start;
    start += count;
  }
  for (int64_t i = 0; i < n; ++i) y[ends[keys[i] >> shift]++] = i;
  // Whole buckets are in order: insertion never crosses from one into another.
  for (int64_t i = 1; i < n; ++i) {
    const int64_t moved = y[i];
    const uint64_t key = keys[moved];
    int64_t at = i;
    for (; at > 0 && keys[y[at - 1]] > key; --at) y[at] = y[at - 1];
    y[at] = moved;
  }
  return {};
}

// About five random reads or writes a number.
double cost(const Call& call) { return 10.0 * static_cast<double>(call.operand(Y).size()); }

}  // namespace

void register_permutation() {
  register_primitive({"random_permutation",
                      {{"y", Role::out}, {"state", Role::inout}, {"scratch", Role::scratch}},
                      {{"n", AttributeKind::integer, offsetof(PermutationAttributes, n)}},
                      infer_permutation,
                      run_permutation,
                      nullptr,
                      cost});
}

}  // namespace fastnn
