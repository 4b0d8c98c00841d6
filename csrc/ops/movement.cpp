// copy, pad, one_hot and arange.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/all.h"
#include "ops/checks.h"
#include "ops/indices.h"
#include "ops/strided.h"

namespace fastnn {
namespace {

// Writes `value` as one element of that dtype.
void encode(double value, DType dtype, char* bytes) {
  kernels().movement.cast[static_cast<int>(DType::float64)][static_cast<int>(dtype)](1, &value,
                                                                                     bytes, 1);
}

// n times the element at `value`.
void fill(char* y, int64_t n, const char* value, DType dtype) {
  if (n > 0) kernels().movement.pack[static_cast<int>(dtype)](1, n, value, 0, 0, y);
}

// ---- copy(y; x; dtype, scale) -------------------------------------------------------------------

struct CopyAttributes {
  int64_t dtype;
  double scale;
};

void infer_copy(Call& call) {
  const Array& x = call.operand(1);
  const auto& attributes = call.attributes.as<CopyAttributes>();
  const auto dtype = static_cast<DType>(attributes.dtype);
  if (attributes.scale != 1 && !is_float(dtype))
    fail(ErrorKind::value, call,
         std::string("scale needs a floating-point result, got dtype ") + dtype_name(dtype));
  check_extents(call, x.rank, x.shape);  // strides of 0 can promise more than memory holds
  call.set_output(0, dtype, x.rank, x.shape);
}

Status run_copy(const Call& call) {
  const Array &y = call.operand(0), &x = call.operand(1);
  const double scale = call.attributes.as<CopyAttributes>().scale;
  const int64_t in = item_size(x.dtype), out = item_size(y.dtype);
  const bool plain = x.dtype == y.dtype && scale == 1;
  const CastKernel cast =
      kernels().movement.cast[static_cast<int>(x.dtype)][static_cast<int>(y.dtype)];
  if (x.contiguous()) {
    for_each_chunk(y.size(), kCheapGrain, 64, [&](int64_t begin, int64_t end) {
      if (plain)
        std::memcpy(y.data + begin * out, x.data + begin * in, (end - begin) * out);
      else
        cast(end - begin, x.data + begin * in, y.data + begin * out, scale);
    });
    return {};
  }
  const Array* operands[] = {&x};
  if (!plain) {
    StridedLoop loop(y.rank, y.shape, 1, operands);
    loop.run(kCheapGrain, [&](int64_t begin, int64_t n, const char* const* from) {
      cast(n, from[0], y.data + begin * out, scale);
    });
    return {};
  }
  // Packed into the result itself, so tiles may be large: rows enough for squares to transpose.
  StridedLoop loop(y.rank, y.shape, 1, operands, kCheapGrain);
  const PackKernel pack = kernels().movement.pack[static_cast<int>(x.dtype)];
  const int64_t size = loop.tile_rows * loop.tile_columns;
  for_each_chunk(loop.tiles, size == 0 ? 1 : kCheapGrain / size, 1,
                 [&](int64_t first, int64_t last) {
                   for (int64_t index = first; index < last; ++index) {
                     const StridedLoop::Tile at = loop.tile(index);
                     pack(at.rows, at.columns, at.data[0], loop.row_stride(0),
                          loop.column_stride(0), y.data + at.begin * out);
                   }
                 });
  return {};
}

// ---- pad(y; x; before, after, mode, value) ------------------------------------------------------

enum class PadMode : int64_t { constant, edge, reflect, symmetric, count };

struct PadAttributes {
  int64_t before[kMaxRank + 1], after[kMaxRank + 1];
  int64_t mode;
  double value;
};

void infer_pad(Call& call) {
  const Array& x = call.operand(1);
  const auto& attributes = call.attributes.as<PadAttributes>();
  if (attributes.before[0] != x.rank || attributes.after[0] != x.rank)
    fail(ErrorKind::value, call,
         "before and after have " + std::to_string(attributes.before[0]) + " and " +
             std::to_string(attributes.after[0]) + " entries, expected one for each axis of x, " +
             shape_text(x));
  const auto mode = static_cast<PadMode>(attributes.mode);
  if (attributes.mode < 0 || mode >= PadMode::count)
    fail(ErrorKind::value, call,
         "mode is " + std::to_string(attributes.mode) +
             ", expected 0 (constant), 1 (edge), 2 (reflect) or 3 (symmetric)");
  int64_t shape[kMaxRank];
  for (int axis = 0; axis < x.rank; ++axis) {
    const int64_t before = attributes.before[axis + 1], after = attributes.after[axis + 1];
    const int64_t most = int64_t{1} << 40;
    if (before < 0 || after < 0 || before > most || after > most)
      fail(ErrorKind::value, call,
           "cannot pad axis " + std::to_string(axis) + " by " + std::to_string(before) + " and " +
               std::to_string(after));
    const int64_t longest = before > after ? before : after;
    if (mode != PadMode::constant && longest > 0 && x.shape[axis] == 0)
      fail(ErrorKind::value, call, "axis " + std::to_string(axis) + " of x is empty");
    shape[axis] = before + x.shape[axis] + after;
  }
  check_extents(call, x.rank, shape);
  call.set_output(0, x.dtype, x.rank, shape);
}

// The source of position i on an axis of n elements; -1: none.
int64_t pad_source(int64_t i, int64_t n, PadMode mode) {
  if (i >= 0 && i < n) return i;
  switch (mode) {
    case PadMode::edge:
      return i < 0 ? 0 : n - 1;
    case PadMode::reflect: {  // d c b | a b c d | c b a, again and again
      if (n == 1) return 0;
      const int64_t period = 2 * (n - 1), k = ((i % period) + period) % period;
      return k < n ? k : period - k;
    }
    case PadMode::symmetric: {  // c b a | a b c | c b a
      const int64_t period = 2 * n, k = ((i % period) + period) % period;
      return k < n ? k : period - 1 - k;
    }
    default:
      return -1;
  }
}

Status run_pad(const Call& call) {
  const Array &y = call.operand(0), &x = call.operand(1);
  const auto& attributes = call.attributes.as<PadAttributes>();
  const auto mode = static_cast<PadMode>(attributes.mode);
  const int64_t item = item_size(x.dtype);
  char value[8];
  encode(attributes.value, x.dtype, value);
  if (x.rank == 0) {
    std::memcpy(y.data, x.data, item);
    return {};
  }
  // Behind the last axis that is padded, elements go with it.
  const bool is_constant = mode == PadMode::constant;
  int last = x.rank - 1;
  int64_t together = 1;
  for (; is_constant && last > 0 && y.shape[last] == x.shape[last]; --last)
    together *= x.shape[last];
  const int64_t columns = y.shape[last] * together, own = x.shape[last] * together,
                before = attributes.before[last + 1] * together;
  if (columns == 0) return {};
  // Of a row of y, `count` elements from `first` on.
  const auto pad_row = [&](int64_t row, int64_t first, int64_t count) {
    int64_t rest = row, source = 0, stride = own;
    for (int axis = last - 1; axis >= 0; --axis) {
      const int64_t i = rest % y.shape[axis] - attributes.before[axis + 1];
      rest /= y.shape[axis];
      const int64_t from = pad_source(i, x.shape[axis], mode);
      source = from < 0 || source < 0 ? -1 : source + from * stride;
      stride *= x.shape[axis];
    }
    const int64_t end = first + count;
    char* to = y.data + (row * columns + first) * item;
    if (source < 0) return fill(to, count, value, x.dtype);
    const char* from = x.data + source * item;
    const int64_t begin = std::clamp(before, first, end),
                  stop = std::clamp(before + own, begin, end);
    if (begin < stop)
      std::memcpy(to + (begin - first) * item, from + (begin - before) * item,
                  static_cast<size_t>((stop - begin) * item));
    if (is_constant) {
      fill(to, begin - first, value, x.dtype);
      return fill(to + (stop - first) * item, end - stop, value, x.dtype);
    }
    for (int64_t c = first; c < end; ++c) {
      if (c == begin) c = stop;
      if (c < end)
        std::memcpy(to + (c - first) * item, from + pad_source(c - before, own, mode) * item, item);
    }
  };
  const int64_t rows = y.size() / columns;
  if (columns > kCheapGrain) {
    for_columns(rows, 1, columns, kCheapGrain, kCheapGrain, pad_row);
  } else {
    for_pieces(rows, units_per_task(columns, kCheapGrain), [&](int64_t first, int64_t count) {
      for (int64_t row = first; row < first + count; ++row) pad_row(row, 0, columns);
    });
  }
  return {};
}

// ---- one_hot(y; labels; depth, on, off, dtype) --------------------------------------------------

struct OneHotAttributes {
  int64_t depth;
  double on, off;
  int64_t dtype;
};

void infer_one_hot(Call& call) {
  const Array& labels = call.operand(1);
  const auto& attributes = call.attributes.as<OneHotAttributes>();
  check_dtypes(call, 1, {DType::int32, DType::int64, DType::uint8});
  if (attributes.depth < 0)
    fail(ErrorKind::value, call,
         "depth is " + std::to_string(attributes.depth) + ", expected at least 0");
  if (labels.rank == kMaxRank) fail(ErrorKind::value, call, "labels have too many axes");
  int64_t shape[kMaxRank];
  std::memcpy(shape, labels.shape, sizeof(shape));
  shape[labels.rank] = attributes.depth;
  check_extents(call, labels.rank + 1, shape);
  call.set_output(0, static_cast<DType>(attributes.dtype), labels.rank + 1, shape);
}

int64_t label_at(const Array& labels, int64_t i) {
  return labels.dtype == DType::uint8 ? labels.as<uint8_t>()[i] : index_at(labels, i);
}

Status run_one_hot(const Call& call) {
  const Array &y = call.operand(0), &labels = call.operand(1);
  const auto& attributes = call.attributes.as<OneHotAttributes>();
  char on[8], off[8];
  encode(attributes.on, y.dtype, on);
  encode(attributes.off, y.dtype, off);
  const int64_t depth = attributes.depth, item = item_size(y.dtype);
  const int64_t grain = kCheapGrain / (depth > 0 ? depth : 1);
  for_each_chunk(labels.size(), grain > 0 ? grain : 1, 1, [&](int64_t first, int64_t last) {
    fill(y.data + first * depth * item, (last - first) * depth, off, y.dtype);
    for (int64_t row = first; row < last; ++row) {
      const int64_t label = label_at(labels, row);
      if (label >= 0 && label < depth) std::memcpy(y.data + (row * depth + label) * item, on, item);
    }
  });
  return {};
}

// ---- arange(y; ; start, step, count, dtype) -----------------------------------------------------

struct ArangeAttributes {
  double start, step;
  int64_t count, dtype;
};

void infer_arange(Call& call) {
  const auto& attributes = call.attributes.as<ArangeAttributes>();
  check_extents(call, 1, &attributes.count);
  call.set_output(0, static_cast<DType>(attributes.dtype), 1, &attributes.count);
}

// 0, 1, 2 ...: doubles add up faster than integers become them.
struct Ramp {
  static constexpr int64_t kLength = 256;
  double values[kLength]{};
  constexpr Ramp() {
    for (int64_t k = 0; k < kLength; ++k) values[k] = static_cast<double>(k);
  }
};
constexpr Ramp ramp;

// start + i * step in double, converted to the dtype: exact for integers as long as i * step and
// the sum are at most 2**53. fastnn.ops.arange makes the wider ones itself.
Status run_arange(const Call& call) {
  const Array& y = call.operand(0);
  const auto& attributes = call.attributes.as<ArangeAttributes>();
  const CastKernel cast =
      kernels().movement.cast[static_cast<int>(DType::float64)][static_cast<int>(y.dtype)];
  for_each_chunk(attributes.count, kCheapGrain, 64, [&](int64_t first, int64_t last) {
    double values[Ramp::kLength];
    for (int64_t i = first; i < last; i += Ramp::kLength) {
      const int64_t n = std::min(last - i, Ramp::kLength);
      const auto from = static_cast<double>(i);
      for (int64_t k = 0; k < n; ++k)
        values[k] = attributes.start + (from + ramp.values[k]) * attributes.step;
      cast(n, values, y.data + i * item_size(y.dtype), 1);
    }
  });
  return {};
}

}  // namespace

void register_movement() {
  register_primitive({"copy",
                      {{"y", Role::out}, {"x", Role::in, false, false, true}},
                      {{"dtype", AttributeKind::dtype, offsetof(CopyAttributes, dtype)},
                       {"scale", AttributeKind::real, offsetof(CopyAttributes, scale), 1}},
                      infer_copy,
                      run_copy});
  register_primitive({"pad",
                      {{"y", Role::out}, {"x", Role::in}},
                      {{"before", AttributeKind::integers, offsetof(PadAttributes, before)},
                       {"after", AttributeKind::integers, offsetof(PadAttributes, after)},
                       {"mode", AttributeKind::integer, offsetof(PadAttributes, mode)},
                       {"value", AttributeKind::real, offsetof(PadAttributes, value)}},
                      infer_pad,
                      run_pad});
  register_primitive({"one_hot",
                      {{"y", Role::out}, {"labels", Role::in}},
                      {{"depth", AttributeKind::integer, offsetof(OneHotAttributes, depth)},
                       {"on", AttributeKind::real, offsetof(OneHotAttributes, on), 1},
                       {"off", AttributeKind::real, offsetof(OneHotAttributes, off), 0},
                       {"dtype", AttributeKind::dtype, offsetof(OneHotAttributes, dtype)}},
                      infer_one_hot,
                      run_one_hot});
  register_primitive({"arange",
                      {{"y", Role::out}},
                      {{"start", AttributeKind::real, offsetof(ArangeAttributes, start)},
                       {"step", AttributeKind::real, offsetof(ArangeAttributes, step), 1},
                       {"count", AttributeKind::integer, offsetof(ArangeAttributes, count)},
                       {"dtype", AttributeKind::dtype, offsetof(ArangeAttributes, dtype)}},
                      infer_arange,
                      run_arange});
}

}  // namespace fastnn
