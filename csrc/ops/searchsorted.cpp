// searchsorted: where numbers belong among edges that ascend.
#include <cstddef>

#include "ops/all.h"
#include "ops/checks.h"
#include "ops/tasks.h"

namespace fastnn {
namespace {

enum { Y, Edges, X };

struct SearchAttributes {
  int64_t right;
};

constexpr int64_t kTaskElements = 1 << 13;

void infer(Call& call) {
  check_rank(call, Edges, 1);
  check_same_dtype(call, Edges, X);
  const Array x = call.operand(X);
  call.set_output(Y, DType::int64, x.rank, x.shape);
}

// NaN belongs behind all numbers. Without a branch: it would go either way as often.
template <class T>
int64_t less(T a, T b) {
  return int64_t{a < b} | (int64_t{b != b} & int64_t{a == a});
}

// y[i] = how many edges are before x[i]. Several searches at once, without a branch: each halves
// what is left of the edges, so that all take the same steps.
template <class T, bool right>
void search(const T* edges, int64_t n, const T* x, int64_t count, int64_t* y) {
  constexpr int kSearches = 8;
  for (int64_t i = 0; i < count; i += kSearches) {
    const int searches = static_cast<int>(count - i < kSearches ? count - i : kSearches);
    T wanted[kSearches];
    int64_t low[kSearches];
    for (int s = 0; s < kSearches; ++s) wanted[s] = x[i + (s < searches ? s : 0)], low[s] = 0;
    const auto before = [&](int s, int64_t at) {
      return right ? 1 - less(wanted[s], edges[at]) : less(edges[at], wanted[s]);
    };
    for (int64_t left = n; left > 0;) {
      const int64_t half = (left + 1) / 2;  // of the edges that are left, those to `half` - 1
      for (int s = 0; s < kSearches; ++s) low[s] += half & -before(s, low[s] + half - 1);
      left -= half;
    }
    for (int s = 0; s < searches; ++s) y[i + s] = low[s];
  }
}

template <class T>
void run_as(const Call& call) {
  const Array &edges = call.operand(Edges), &x = call.operand(X);
  const bool right = call.attributes.as<SearchAttributes>().right != 0;
  for_pieces(x.size(), kTaskElements, [&](int64_t first, int64_t count) {
    (right ? search<T, true> : search<T, false>)(edges.as<T>(), edges.shape[0], x.as<T>() + first,
                                                 count, call.operand(Y).as<int64_t>() + first);
  });
}

Status run(const Call& call) {
  switch (call.operand(X).dtype) {
    case DType::float32:
      run_as<float>(call);
      break;
    case DType::float64:
      run_as<double>(call);
      break;
    case DType::int32:
      run_as<int32_t>(call);
      break;
    case DType::int64:
      run_as<int64_t>(call);
      break;
    default:
      run_as<uint8_t>(call);
  }
  return {};
}

double cost(const Call& call) {
  double steps = 1;
  for (int64_t n = call.operand(Edges).shape[0]; n > 0; n /= 2) ++steps;
  return steps * static_cast<double>(call.operand(X).size());
}

}  // namespace

void register_searchsorted() {
  register_primitive({"searchsorted",
                      {{"y", Role::out}, {"edges", Role::in}, {"x", Role::in}},
                      {{"right", AttributeKind::boolean, offsetof(SearchAttributes, right)}},
                      infer,
                      run,
                      nullptr,
                      cost});
}

}  // namespace fastnn
