// reduce_list: one number over all elements of a list of tensors (global norm, finite check).
#include <cmath>
#include <cstddef>
#include <cstring>

#include "core/kernel_table.h"
#include "core/summation_order.h"
#include "ops/checks.h"
#include "ops/flat_list.h"
#include "ops/reduce.h"
#include "ops/tasks.h"

namespace fastnn {
namespace {

enum { Y, Xs, Scratch };
enum ListOp { kSum, kSumSquares, kAbsSum, kMax, kAllFinite };

struct ReduceListAttributes {
  int64_t op;
};

CodeList list_codes() {
  static constexpr const char* names[] = {"sum", "sum_squares", "abs_sum", "max", "all_finite"};
  return {names, 5};
}

constexpr int64_t kPiece = 16 * kDotBlock;  // a power of two of blocks: cuts keep the order
constexpr int64_t kTaskElements = 1 << 15;

void infer_reduce_list(Call& call) {
  const auto& attributes = call.attributes.as<ReduceListAttributes>();
  const int count = call.count(Xs);
  if (count == 0) fail(ErrorKind::value, call, "xs is an empty list");
  const DType dtype = call.operand(Xs).dtype;
  int64_t pieces = 0, elements = 0;
  for (int i = 0; i < count; ++i) {
    const Array& x = call.operand(Xs, i);
    if (!is_float(x.dtype) || x.dtype != dtype)
      fail(ErrorKind::type, call,
           "xs[" + std::to_string(i) + "] has dtype " + dtype_name(x.dtype) + ", expected " +
               (is_float(dtype) ? dtype_name(dtype) : "float32 or float64"));
    elements += x.size();
    pieces += ceil_div(x.size(), kPiece);
  }
  if (elements == 0 && attributes.op == kMax)
    fail(ErrorKind::value, call, "max of no elements, all of xs are empty");
  const int64_t bytes = FlatList::scratch_bytes(count) + (pieces + 1) * item_size(dtype);
  call.set_output(Y, attributes.op == kAllFinite ? DType::boolean : dtype, 0, nullptr);
  call.resize(Scratch, 1);
  call.set_scratch(Scratch, bytes);
}

Status run_reduce_list(const Call& call) {
  const auto& attributes = call.attributes.as<ReduceListAttributes>();
  constexpr ReduceOp ops[] = {ReduceOp::sum, ReduceOp::sum_squares, ReduceOp::abs_sum,
                              ReduceOp::max, ReduceOp::max};
  const DType dtype = call.operand(Xs).dtype;
  const int64_t item = item_size(dtype);
  Folder folder = folder_for(ops[attributes.op], dtype);
  if (attributes.op == kAllFinite) folder.op = kFoldFinite;
  const FlatList list(call, Xs, kPiece, call.operand(Scratch).data);
  char* results = call.operand(Scratch).data + FlatList::scratch_bytes(call.count(Xs));
  const int64_t pieces = list.units();
  int64_t elements = 0;
  for (int i = 0; i < call.count(Xs); ++i) elements += call.operand(Xs, i).size();
  const int64_t tasks = elements / kTaskElements + 1;
  for_pieces(pieces, pieces ? ceil_div(pieces, tasks) : 1, [&](int64_t begin, int64_t count) {
    char* result = results + begin * item;
    list.for_each(begin, begin + count, [&](int i, int64_t first, int64_t stop) {
      const Array& x = call.operand(Xs, i);
      for (int64_t piece = first; piece < stop; ++piece, result += item) {
        const int64_t start = piece * kPiece, left = x.size() - start;
        folder.rows(folder.op, x.data + start * item, 1, left < kPiece ? left : kPiece, result);
      }
    });
  });
  char* y = call.operand(Y).data;
  if (pieces == 0) std::memset(results, 0, static_cast<size_t>(item));
  fold_in_pairs(folder, results, pieces, 1);
  if (attributes.op == kAllFinite)
    *y = dtype == DType::float32 ? std::isfinite(*reinterpret_cast<float*>(results))
                                 : std::isfinite(*reinterpret_cast<double*>(results));
  else
    std::memcpy(y, results, static_cast<size_t>(item));
  return {};
}

}  // namespace

void register_reduce_list() {
  register_primitive(
      {"reduce_list",
       {{"y", Role::out}, {"xs", Role::in, false, true}, {"scratch", Role::scratch, true}},
       {{"op", AttributeKind::code, offsetof(ReduceListAttributes, op), 0, list_codes}},
       infer_reduce_list,
       run_reduce_list});
}

}  // namespace fastnn
