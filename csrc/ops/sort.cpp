// sort: the elements along one axis in order, where they were, or the first few of both.
//
// Elements become unsigned keys of the same order (radix_sort.h). Few out of many are selected:
// from a buffer of candidates, none behind the last one that would do so far, which is cut by the
// method of C. Hoare, "Algorithm 65: Find" (1961), whenever it is full.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>

#include "core/kernel_table.h"
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
    const T number = x + 0;  // -0 becomes 0
    U bits;
    std::memcpy(&bits, &number, sizeof(T));
    const U key = bits ^ (static_cast<U>(static_cast<I>(bits) >> (8 * sizeof(U) - 1)) | kSign);
    return x != x ? ~U{0} : key;
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

// Puts zeros, which have one key, back as they came in: with their signs. (x may have been changed
// since by another thread.)
template <class T>
void restore_zeros(const Row<T>& row) {
  int64_t to = 0;
  while (to < row.n && row.values[to * row.stride] != 0) ++to;
  for (int64_t i = 0; i < row.n && to < row.n; ++i)
    if (row.x[i * row.stride] == 0) row.values[to++ * row.stride] = row.x[i * row.stride];
}

template <class T>
bool has_negative_zeros(const Row<T>& row) {
  bool found = false;
  if constexpr (std::is_floating_point_v<T>)
    for (int64_t i = 0; i < row.n; ++i) {
      const T x = row.x[i * row.stride];
      found |= (x == 0) & std::signbit(x);
    }
  return found;
}

// The whole row, values only.
template <class T>
void sort_values(const Row<T>& row, char* room) {
  auto* keys = reinterpret_cast<Bare<typename KeyOf<T>::Key>*>(room);
  for (int64_t i = 0; i < row.n; ++i) keys[i].key = row.key(i);
  keys = radix_sort(keys, keys + row.n, row.n, 8 * sizeof(T));
  for (int64_t i = 0; i < row.n; ++i)
    row.values[i * row.stride] = KeyOf<T>::decode(row.turned(keys[i].key));
  if (has_negative_zeros(row)) restore_zeros(row);
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
  constexpr int64_t kBlock = 16;  // most are passed with one look at all of it
  for (int64_t start = room; start < row.n; start += kBlock) {
    const int64_t end = std::min(row.n, start + kBlock);
    if (row.stride == 1 && end - start == kBlock) {
      const T* x = row.x + start;
      const Key limit = last, turn = row.turned(0);
      Key any = 0;
      for (int64_t i = 0; i < kBlock; ++i)
        any |= static_cast<Key>((KeyOf<T>::encode(x[i]) ^ turn) < limit);
      if (!any) continue;
    }
    for (int64_t i = start; i < end; ++i) {
      const Key key = row.key(i);
      if (key >= last) continue;  // of equal ones the first stay
      items[held++] = Item::make(key, i);
      if (held == room) cut();
    }
  }
  if (held > row.count) cut();
  std::sort(items, items + row.count);
  return items;
}

// Writes element `from` of the row as number i of the result.
template <class T>
void write(const Row<T>& row, int64_t i, int64_t from) {
  if (row.values) row.values[i * row.stride] = row.x[from * row.stride];
  if (row.indices) row.indices[i * row.stride] = from;
}

template <class Item, class T>
void sort_items(const Row<T>& row, bool few, char* room) {
  auto* items = reinterpret_cast<Item*>(room);
  if (few) {
    items = select_first(row, items);
  } else {
    for (int64_t i = 0; i < row.n; ++i) items[i] = Item::make(row.key(i), i);
    items = radix_sort(items, items + row.n, row.n, 8 * sizeof(T));
  }
  for (int64_t i = 0; i < row.count; ++i) write(row, i, static_cast<int64_t>(items[i].index));
}

// ---- short rows side by side --------------------------------------------------------------------

// What a sorting network compares: a key as a signed integer, in front of its index if that is
// wanted.
template <class Word, class Key>
Word word_of(Key key, int64_t i) {
  constexpr Key kSign = Key{1} << (8 * sizeof(Key) - 1);
  if constexpr (sizeof(Word) == sizeof(Key)) return static_cast<Word>(key ^ kSign);
  return static_cast<Word>(static_cast<uint64_t>(key ^ kSign) << 32 | static_cast<uint64_t>(i));
}

template <class Word>
constexpr int kLanes = kNetworkBytes / sizeof(Word);

// Sorts rows[0] to rows[count - 1], of one length, where there are kLanes at most.
template <class Word, class T>
void sort_side_by_side(const Row<T>* rows, int count, char* room) {
  using Key = typename KeyOf<T>::Key;
  constexpr int lanes = kLanes<Word>;
  auto* words = reinterpret_cast<Word*>(room);
  for (int64_t i = 0; i < rows->n; ++i)
    for (int c = 0; c < lanes; ++c)
      words[i * lanes + c] = c < count ? word_of<Word>(rows[c].key(i), i) : 0;
  (sizeof(Word) == 4 ? kernels().order.columns32 : kernels().order.columns64)(words, rows->n);
  for (int64_t i = 0; i < rows->count; ++i)
    for (int c = 0; c < count; ++c) {
      const Word word = words[i * lanes + c];
      if constexpr (sizeof(Word) == sizeof(Key))  // which is its own inverse
        rows[c].values[i * rows->stride] = KeyOf<T>::decode(
            rows[c].turned(static_cast<Key>(word_of<Word>(static_cast<Key>(word), 0))));
      else
        write(rows[c], i, static_cast<int64_t>(static_cast<uint32_t>(word)));
    }
  if constexpr (sizeof(Word) == sizeof(Key))
    for (int c = 0; c < count; ++c)
      if (has_negative_zeros(rows[c])) restore_zeros(rows[c]);
}

// ---- the primitive ------------------------------------------------------------------------------

// How rows are sorted: a function of shape, dtype and attributes.
struct Way {
  bool values_only, few, wide, side_by_side;
  int64_t word;   // bytes of a key, with its index if that is wanted
  int64_t lanes;  // rows that are dealt with at once
  int64_t bytes;  // of memory

  Way(const SortAttributes& a, const Array& x, int64_t n) {
    const int64_t key = item_size(x.dtype) == 8 ? 8 : 4;
    values_only = !a.want_indices && a.count == n;
    few = a.count < n / 8;
    wide = key == 8 || n > UINT32_MAX;
    word = values_only ? key : wide ? 16 : 8;
    lanes = kNetworkBytes / word;
    // Of longer rows the network takes too many steps.
    constexpr int64_t kNetworkItems = 2048;
    side_by_side = !few && word <= 8 && n > 1 && n <= kNetworkItems;
    const int64_t items = few ? 2 * a.count : 2 * n;
    bytes = std::max(items * word, side_by_side ? n * kNetworkBytes : 0);
    bytes = (bytes + 63) / 64 * 64;
  }
};

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
  const Way way(a, x, e.n);
  const bool shared = e.n >= kSharedItems;  // threads share a row
  const int64_t tasks =
      std::min(ceil_div(e.outer * e.inner, way.lanes), ceil_div(x.size(), kTaskElements));
  call.set_scratch(Scratch, (shared ? 1 : std::min<int64_t>(thread_count(), tasks)) * way.bytes);
}

template <class T>
void sort_rows(const Way& way, const Row<T>* rows, int count, char* room) {
  using Key = typename KeyOf<T>::Key;
  if (way.side_by_side && 2 * count >= way.lanes) {
    if (!way.values_only) return sort_side_by_side<int64_t>(rows, count, room);
    return sort_side_by_side<std::make_signed_t<Key>>(rows, count, room);
  }
  for (const Row<T>* row = rows; row < rows + count; ++row) {
    if (way.values_only)
      sort_values(*row, room);
    else if (way.wide)
      sort_items<Marked<uint64_t>>(*row, way.few, room);
    else
      sort_items<Marked<Key>>(*row, way.few, room);
  }
}

template <class T>
void run_as(const Call& call) {
  const auto& a = call.attributes.as<SortAttributes>();
  const Array &x = call.operand(X), &scratch = call.operand(Scratch);
  const AlongAxis e(x, a.axis);
  const Way way(a, x, e.n);
  T* values = a.want_values ? call.operand(Values).as<T>() : nullptr;
  int64_t* indices = a.want_indices ? call.operand(Indices).as<int64_t>() : nullptr;
  const auto row_of = [&](int64_t r) {
    const int64_t i = r / e.inner, j = r % e.inner, at = i * a.count * e.inner + j;
    return Row<T>{x.as<T>() + i * e.n * e.inner + j,
                  values ? values + at : nullptr,
                  indices ? indices + at : nullptr,
                  e.n,
                  e.inner,
                  a.count,
                  a.descending != 0};
  };
  const int64_t all = e.outer * e.inner, each = units_per_task(e.n * way.lanes, kTaskElements);
  deal(scratch.size() / way.bytes, ceil_div(all, way.lanes), each, each,
       [&](int64_t begin, int64_t end, int64_t slot, int64_t) {
         for (int64_t group = begin; group < end; ++group) {
           Row<T> rows[kNetworkBytes / 4];
           int count = 0;
           for (int64_t r = group * way.lanes; r < all && count < way.lanes; ++r)
             rows[count++] = row_of(r);
           sort_rows(way, rows, count, scratch.data + slot * way.bytes);
         }
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
