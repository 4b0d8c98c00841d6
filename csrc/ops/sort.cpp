// sort: the elements along one axis in order, where they were, or the first few of both.
//
// Elements become unsigned keys of the same order (radix_sort.h). Few out of many are selected:
// from a buffer of candidates, none behind the last one that would do so far, which is cut by the
// method of C. Hoare, "Algorithm 65: Find" (1961), whenever it is full.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>

#include "ops/all.h"
#include "ops/along_axis.h"
#include "ops/checks.h"
#include "ops/deal.h"
#include "ops/radix_sort.h"

namespace fastnn {
namespace {

enum { Values, Indices, X, Scratch };

struct SortAttributes {
  int64_t axis, descending, count, want_values, want_indices;
};

constexpr int64_t kTaskElements = 1 << 12;

// ---- keys ---------------------------------------------------------------------------------------

// Unsigned integers in the order of T: NaN, all the same, behind infinity, -0 where 0 is.
template <class T>
struct KeyOf;

template <class T, class U, class I>
struct FloatKey {
  using Key = U;
  static constexpr U kSign = U{1} << (8 * sizeof(U) - 1);
  static U encode(T x) {
    if (x != x) return ~U{0};
    x = x + 0;  // -0 becomes 0
    U bits;
    std::memcpy(&bits, &x, sizeof(T));
    return bits ^ (static_cast<U>(static_cast<I>(bits) >> (8 * sizeof(U) - 1)) | kSign);
  }
  static T decode(U key) {
    const U bits = key & kSign ? key ^ kSign : ~key;
    T x;
    std::memcpy(&x, &bits, sizeof(T));
    return x;
  }
};
template <>
struct KeyOf<float> : FloatKey<float, uint32_t, int32_t> {};
template <>
struct KeyOf<double> : FloatKey<double, uint64_t, int64_t> {};

template <class T, class U, T lowest>
struct IntegerKey {
  using Key = U;
  static U encode(T x) { return static_cast<U>(x) ^ static_cast<U>(lowest); }
  static T decode(U key) { return static_cast<T>(key ^ static_cast<U>(lowest)); }
};
template <>
struct KeyOf<int32_t> : IntegerKey<int32_t, uint32_t, INT32_MIN> {};
template <>
struct KeyOf<int64_t> : IntegerKey<int64_t, uint64_t, INT64_MIN> {};
template <>
struct KeyOf<uint8_t> : IntegerKey<uint8_t, uint32_t, 0> {};

// ---- one row ------------------------------------------------------------------------------------

// A row of x and of the results: elements `stride` apart.
template <class T>
struct Row {
  const T* x;
  T* values;         // or null
  int64_t* indices;  // or null
  int64_t n, stride, count;
  bool descending;

  using Key = typename KeyOf<T>::Key;
  Key key(int64_t i) const { return turned(KeyOf<T>::encode(x[i * stride])); }

  // A key for the order that is asked for; of that one again the key.
  Key turned(Key key) const {
    constexpr Key all = sizeof(T) == 1 ? Key{0xff} : static_cast<Key>(~Key{0});
    return descending ? key ^ all : key;
  }
};

// Zeros, which have one key, as they came in: with their signs.
template <class T>
void restore_zeros(const Row<T>& row) {
  int64_t to = 0;
  while (row.values[to * row.stride] != 0) ++to;
  for (int64_t i = 0; i < row.n; ++i)
    if (row.x[i * row.stride] == 0) row.values[to++ * row.stride] = row.x[i * row.stride];
}

// The whole row, values only.
template <class T>
void sort_values(const Row<T>& row, char* room) {
  using Key = typename KeyOf<T>::Key;
  auto* keys = reinterpret_cast<Bare<Key>*>(room);
  bool negative_zeros = false;
  for (int64_t i = 0; i < row.n; ++i) {
    keys[i].key = row.key(i);
    if (std::is_floating_point_v<T>) {
      const T x = row.x[i * row.stride];
      negative_zeros |= x == 0 && std::signbit(static_cast<double>(x));
    }
  }
  keys = radix_sort(keys, keys + row.n, row.n, sizeof(T));
  for (int64_t i = 0; i < row.n; ++i) {
    row.values[i * row.stride] = KeyOf<T>::decode(row.turned(keys[i].key));
  }
  if (negative_zeros) restore_zeros(row);
}

// The first `count` of the row in order; the buffer is for 2 * count items and more.
template <class Item, class T>
Item* select_first(const Row<T>& row, Item* items) {
  using Key = typename Item::Key;
  const int64_t room = 2 * row.count;
  int64_t held = room;
  for (int64_t i = 0; i < room; ++i) items[i] = Item::make(row.key(i), i);
  Key last = 0;
  const auto cut = [&] {
    std::nth_element(items, items + row.count - 1, items + held);
    last = items[row.count - 1].key;
    held = row.count;
  };
  cut();
  for (int64_t i = room; i < row.n; ++i) {
    const Key key = row.key(i);
    if (key >= last) continue;  // of equal ones the first stay
    items[held++] = Item::make(key, i);
    if (held == room) cut();
  }
  if (held > row.count) cut();
  std::sort(items, items + row.count);
  return items;
}

template <class Item, class T>
void sort_items(const Row<T>& row, char* room) {
  auto* items = reinterpret_cast<Item*>(room);
  if (row.count < row.n / 8) {
    items = select_first(row, items);
  } else {
    for (int64_t i = 0; i < row.n; ++i) items[i] = Item::make(row.key(i), i);
    items = radix_sort(items, items + row.n, row.n, sizeof(T));
  }
  for (int64_t i = 0; i < row.count; ++i) {
    const auto from = static_cast<int64_t>(items[i].index);
    if (row.values) row.values[i * row.stride] = row.x[from * row.stride];
    if (row.indices) row.indices[i * row.stride] = from;
  }
}

// ---- the primitive ------------------------------------------------------------------------------

bool values_only(const SortAttributes& a, int64_t n) { return !a.want_indices && a.count == n; }

bool wide(const Array& x, int64_t n) { return item_size(x.dtype) == 8 || n > UINT32_MAX; }

// Memory for two copies of the items of a row.
int64_t row_bytes(const SortAttributes& a, const Array& x, int64_t n) {
  const int64_t key = item_size(x.dtype) == 8 ? 8 : 4;
  const int64_t item = values_only(a, n) ? key : wide(x, n) ? 16 : 8;
  return (2 * n * item + 63) / 64 * 64;
}

void infer(Call& call) {
  auto& a = call.attributes.as<SortAttributes>();
  const Array x = call.operand(X);
  check_axis(call, "axis", a.axis, x.rank);
  const AlongAxis e(x, a.axis);
  if (a.count < -1 || a.count > e.n)
    fail(ErrorKind::value, call,
         "count is " + std::to_string(a.count) + ", expected 0 to " + std::to_string(e.n) +
             " (or -1: all), the extent of axis " + std::to_string(a.axis) + " of x with shape " +
             shape_text(x));
  if (a.count == -1) a.count = e.n;
  if (!a.want_values && !a.want_indices)
    fail(ErrorKind::value, call, "neither values nor indices are wanted");
  int64_t shape[kMaxRank];
  std::copy(x.shape, x.shape + x.rank, shape);
  shape[a.axis] = a.count;
  call.resize(Values, a.want_values ? 1 : 0);
  if (a.want_values) call.set_output(Values, x.dtype, x.rank, shape);
  call.resize(Indices, a.want_indices ? 1 : 0);
  if (a.want_indices) call.set_output(Indices, DType::int64, x.rank, shape);
  const bool shared = e.n >= kSharedItems;  // threads share a row
  const int64_t slots =
      shared ? 1 : std::min<int64_t>(thread_count(), ceil_div(x.size(), kTaskElements));
  call.set_scratch(Scratch, slots * row_bytes(a, x, e.n));
}

template <class T>
void run_as(const Call& call) {
  const auto& a = call.attributes.as<SortAttributes>();
  const Array &x = call.operand(X), &scratch = call.operand(Scratch);
  const AlongAxis e(x, a.axis);
  const int64_t bytes = row_bytes(a, x, e.n);
  T* values = a.want_values ? call.operand(Values).as<T>() : nullptr;
  int64_t* indices = a.want_indices ? call.operand(Indices).as<int64_t>() : nullptr;
  using Key = typename KeyOf<T>::Key;
  const auto sort_row = [&](int64_t r, char* room) {
    const int64_t i = r / e.inner, j = r % e.inner, at = i * a.count * e.inner + j;
    const Row<T> row{x.as<T>() + i * e.n * e.inner + j,
                     values ? values + at : nullptr,
                     indices ? indices + at : nullptr,
                     e.n,
                     e.inner,
                     a.count,
                     a.descending != 0};
    if (values_only(a, e.n))
      sort_values(row, room);
    else if (wide(x, e.n))
      sort_items<Marked<uint64_t>>(row, room);
    else
      sort_items<Marked<Key>>(row, room);
  };
  const int64_t each = units_per_task(e.n, kTaskElements);
  deal(scratch.size() / bytes, e.outer * e.inner, each, each,
       [&](int64_t begin, int64_t end, int64_t slot, int64_t) {
         for (int64_t r = begin; r < end; ++r) sort_row(r, scratch.data + slot * bytes);
       });
}

Status run(const Call& call) {
  const auto& a = call.attributes.as<SortAttributes>();
  if (call.operand(X).size() == 0 || a.count == 0) return {};
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
  return 10.0 * static_cast<double>(call.operand(X).size());  // passes of the radix sort
}

}  // namespace

void register_sort() {
  register_primitive(
      {"sort",
       {{"values", Role::out, true},
        {"indices", Role::out, true},
        {"x", Role::in},
        {"scratch", Role::scratch}},
       {{"axis", AttributeKind::integer, offsetof(SortAttributes, axis)},
        {"descending", AttributeKind::boolean, offsetof(SortAttributes, descending)},
        {"count", AttributeKind::integer, offsetof(SortAttributes, count), -1},
        {"want_values", AttributeKind::boolean, offsetof(SortAttributes, want_values), 1},
        {"want_indices", AttributeKind::boolean, offsetof(SortAttributes, want_indices), 1}},
       infer,
       run,
       nullptr,
       cost});
}

}  // namespace fastnn
