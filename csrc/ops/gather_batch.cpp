// gather_batch: the next rows of an epoch's order, of every array that a model is trained on.
#include <cstring>

#include "ops/all.h"
#include "ops/checks.h"
#include "ops/indices.h"
#include "ops/rows_ahead.h"
#include "ops/short_copy.h"
#include "ops/strided.h"

namespace fastnn {

void register_gather_batch();

namespace {

enum Operand { kYs, kXs, kPermutation, kPosition };
enum Conversion : int64_t { kKeep, kFloat32, kFloat64 };
enum Code : int32_t { kBadPosition = 1, kBadRow = 2 };

struct GatherBatchAttributes {
  int64_t rows;
  int64_t dtypes[kMaxRank + 1];
  double scale;
};

DType converted(const GatherBatchAttributes& attributes, int i, DType own) {
  if (i >= attributes.dtypes[0] || attributes.dtypes[i + 1] == kKeep) return own;
  return attributes.dtypes[i + 1] == kFloat32 ? DType::float32 : DType::float64;
}

void infer_gather_batch(Call& call) {
  const auto& attributes = call.attributes.as<GatherBatchAttributes>();
  const int inputs = call.count(kXs);
  check_dtypes(call, kPermutation, {DType::int64});
  check_rank(call, kPermutation, 1);
  check_dtypes(call, kPosition, {DType::int64});
  if (call.operand(kPosition).size() != 1)
    fail(ErrorKind::value, call,
         "position has shape " + shape_text(call.operand(kPosition)) + ", expected one element");
  if (attributes.rows < 0)
    fail(ErrorKind::value, call,
         "rows is " + std::to_string(attributes.rows) + ", expected at least 0");
  if (attributes.dtypes[0] != 0 && attributes.dtypes[0] != inputs)
    fail(ErrorKind::value, call,
         "dtypes has " + std::to_string(attributes.dtypes[0]) + " entries for " +
             std::to_string(inputs) + " arrays");
  for (int i = 0; i < attributes.dtypes[0]; ++i)
    if (attributes.dtypes[i + 1] < kKeep || attributes.dtypes[i + 1] > kFloat64)
      fail(ErrorKind::value, call,
           "dtypes holds " + std::to_string(attributes.dtypes[i + 1]) +
               ", expected 0 (keep), 1 (float32) or 2 (float64)");
  for (int i = 0; i < inputs; ++i) {
    const Array& x = call.operand(kXs, i);
    if (x.rank == 0) fail(ErrorKind::value, call, "xs holds an array without axes");
    if (x.shape[0] != call.operand(kXs, 0).shape[0])
      fail(ErrorKind::value, call,
           "xs holds arrays of " + std::to_string(call.operand(kXs, 0).shape[0]) + " and of " +
               std::to_string(x.shape[0]) + " rows");
  }
  call.resize(kYs, inputs);
  for (int i = 0; i < inputs; ++i) {
    const Array x = call.operand(kXs, i);
    int64_t shape[kMaxRank];
    std::memcpy(shape, x.shape, sizeof(shape));
    shape[0] = attributes.rows;
    check_extents(call, x.rank, shape);
    call.set_output(kYs, converted(attributes, i, x.dtype), x.rank, shape, i);
  }
}

Status run_gather_batch(const Call& call) {
  const auto& attributes = call.attributes.as<GatherBatchAttributes>();
  const Array& permutation = call.operand(kPermutation);
  int64_t* position = call.operand(kPosition).as<int64_t>();
  const int64_t rows = attributes.rows, start = read_once(position);
  if (start < 0 || rows > permutation.shape[0] || start > permutation.shape[0] - rows)
    return {kBadPosition, start, rows};
  const int64_t* order = permutation.as<int64_t>() + start;
  const int64_t extent = call.has(kXs) ? call.operand(kXs).shape[0] : 0;
  if (call.has(kXs)) {
    for (int64_t i = 0; i < rows; ++i) {
      const int64_t row = read_once(order + i);
      if (row < 0 || row >= extent) return {kBadRow, start + i, row};
    }
  }
  for (int i = 0; i < call.count(kXs); ++i) {
    const Array &y = call.operand(kYs, i), &x = call.operand(kXs, i);
    if (y.size() == 0) continue;
    const int64_t columns = y.size() / rows;
    const int64_t in = columns * item_size(x.dtype), out = columns * item_size(y.dtype);
    const bool kept = i >= attributes.dtypes[0] || attributes.dtypes[i + 1] == kKeep;
    const bool plain = kept || (x.dtype == y.dtype && attributes.scale == 1);
    const CastKernel cast =
        kernels().movement.cast[static_cast<int>(x.dtype)][static_cast<int>(y.dtype)];
    const int64_t grain = kCheapGrain / columns;
    const RowsAhead ahead(x.bytes(), in);
    const auto place = [&](int64_t row) {
      return x.data + bounded(read_once(order + row), extent) * in;
    };
    for_each_chunk(rows, grain > 0 ? grain : 1, 1, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row) {
        ahead.fetch(row, last, place);
        const char* from = place(row);
        if (plain)
          copy_short(y.data + row * out, from, in);
        else
          cast(columns, from, y.data + row * out, attributes.scale);
      }
    });
  }
  *position = start + rows;
  return {};
}

Error describe_gather_batch(const Call& call, const Status& status) {
  const std::string name = std::string(call.primitive->name) + ": ";
  if (status.code == kBadPosition)
    return Error(ErrorKind::index,
                 name + std::to_string(status.value) + " rows from position " +
                     std::to_string(status.where) + " are outside the permutation of " +
                     std::to_string(call.operand(kPermutation).shape[0]) + " rows");
  return Error(ErrorKind::index, name + "row " + std::to_string(status.value) + " at position " +
                                     std::to_string(status.where) +
                                     " is out of range for arrays of " +
                                     std::to_string(call.operand(kXs).shape[0]) + " rows");
}

}  // namespace

void register_gather_batch() {
  register_primitive({"gather_batch",
                      {{"ys", Role::out, false, true},
                       {"xs", Role::in, false, true},
                       {"permutation", Role::in},
                       {"position", Role::inout}},
                      {{"rows", AttributeKind::integer, offsetof(GatherBatchAttributes, rows)},
                       {"dtypes", AttributeKind::integers, offsetof(GatherBatchAttributes, dtypes)},
                       {"scale", AttributeKind::real, offsetof(GatherBatchAttributes, scale), 1}},
                      infer_gather_batch,
                      run_gather_batch,
                      describe_gather_batch});
}

}  // namespace fastnn
