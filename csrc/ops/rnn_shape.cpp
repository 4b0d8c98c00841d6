#include <cstddef>
#include <string>

#include "kernels/rnn.h"
#include "ops/checks.h"
#include "ops/indices.h"
#include "ops/rnn.h"

namespace fastnn {
namespace {

//                              stage, of q, gate, gates, block
constexpr CellInfo kCells[] = {
    {1, 1, 1, 1, 1, {{0, false, 0, 1, 0}}, false},
    {4, 4, 2, 1, 1, {{0, false, 0, 4, 0}}, false},
    {4, 4, 2, 1, 1, {{0, false, 0, 4, 0}}, false},
    {3, 4, 1, 1, 2, {{0, false, 0, 2, 0}, {0, false, 2, 1, 3}}, true},
    {3, 4, 1, 2, 2, {{0, false, 0, 2, 0}, {1, true, 2, 1, 2}}, false},
};

const CellInfo& cell_of(const Call& call) {
  return kCells[call.attributes.as<RnnAttributes>().cell];
}

// The array of a list, and its name: weights[2].
void check_item(const Call& call, int operand, int item, DType dtype, int rank,
                const int64_t* shape, const char* what) {
  const Array& array = call.operand(operand, item);
  const std::string name = operand_name(call, operand) + "[" + std::to_string(item) + "]";
  if (array.dtype != dtype)
    fail(ErrorKind::type, call,
         name + " has dtype " + dtype_name(array.dtype) + " but x has " + dtype_name(dtype));
  bool same = array.rank == rank;
  for (int axis = 0; same && axis < rank; ++axis) same = array.shape[axis] == shape[axis];
  if (!same)
    fail(ErrorKind::value, call,
         name + " has shape " + shape_text(array) + ", expected " + shape_text(rank, shape) + ", " +
             what);
}

}  // namespace

const CellInfo& cell_info(Cell cell) { return kCells[static_cast<int>(cell)]; }

RnnShape::RnnShape(const Call& call, int x_operand, int weights)
    : cell(cell_of(call)),
      of_ids(!is_float(call.operand(x_operand).dtype)),
      dtype(call.operand(of_ids ? weights : x_operand).dtype),
      steps(call.operand(x_operand).shape[1]),
      batch(call.operand(x_operand).shape[0]),
      inputs(of_ids ? call.operand(weights).shape[0] : call.operand(x_operand).shape[2]),
      units(call.operand(weights, 1).shape[0]),
      directions(static_cast<int>(call.attributes.as<RnnAttributes>().directions)),
      weights_each(call.count(weights) / directions) {
  has_peephole =
      call.attributes.as<RnnAttributes>().cell == static_cast<int64_t>(Cell::lstm_peephole);
  has_bias = weights_each - has_peephole > 2;
}

RnnShape RnnShape::checked(const Call& call, int x, int weights, int mask) {
  const auto& attributes = call.attributes.as<RnnAttributes>();
  const bool of_ids = !is_float(call.operand(x).dtype);
  if (of_ids) check_dtypes(call, x, {DType::int32, DType::int64, DType::float32, DType::float64});
  check_rank(call, x, of_ids ? 2 : 3);
  if (attributes.directions != 1 && attributes.directions != 2)
    fail(ErrorKind::value, call,
         "directions is " + std::to_string(attributes.directions) + ", expected 1 or 2");
  const int directions = static_cast<int>(attributes.directions), count = call.count(weights);
  const bool peephole = attributes.cell == static_cast<int64_t>(Cell::lstm_peephole);
  const int least = 2 + peephole, each = count / directions;
  if (count % directions || each < least || each > least + 1)
    fail(ErrorKind::value, call,
         "weights has " + std::to_string(count) + " arrays, expected " + std::to_string(least) +
             " or " + std::to_string(least + 1) + " for each direction");
  const Array& u = call.operand(weights, 1);
  if (of_ids) {
    check_float(call, weights);
    check_rank(call, weights, 2);
  }
  const DType dtype = call.operand(of_ids ? weights : x).dtype;
  const int gates = cell_of(call).gates;
  if (u.rank != 2 || u.shape[1] != gates * u.shape[0])
    fail(ErrorKind::value, call,
         "weights[1] has shape " + shape_text(u) + ", expected (units, " + std::to_string(gates) +
             " * units)");
  const RnnShape shape(call, x, weights);
  const int64_t for_w[] = {shape.inputs, shape.columns()}, for_u[] = {shape.units, shape.columns()},
                for_p[] = {3, shape.units}, two_biases[] = {2, shape.columns()};
  for (int d = 0; d < directions; ++d) {
    const int first = d * each;
    check_item(call, weights, first, dtype, 2, for_w, "the inputs and all gates");
    check_item(call, weights, first + 1, dtype, 2, for_u, "the units and all gates");
    if (shape.has_bias && shape.cell.splits_bias)
      check_item(call, weights, first + 2, dtype, 2, two_biases, "the biases of both products");
    else if (shape.has_bias)
      check_item(call, weights, first + 2, dtype, 1, for_u + 1, "the bias of all gates");
    if (peephole) check_item(call, weights, first + each - 1, dtype, 2, for_p, "three peepholes");
  }
  if (call.has(mask)) {
    const Array& array = call.operand(mask);
    const int64_t expected[] = {shape.batch, shape.steps};
    check_dtypes(call, mask, {DType::boolean});
    if (array.rank != 2 || array.shape[0] != shape.batch || array.shape[1] != shape.steps)
      fail(ErrorKind::value, call,
           operand_name(call, mask) + " has shape " + shape_text(array) + ", expected " +
               shape_text(2, expected) + ", one value a step of each row of inputs");
  }
  const int64_t largest[] = {shape.steps + 1, shape.batch, shape.kept()};
  check_extents(call, 3, largest);
  return shape;
}

Status check_ids(const Call& call, int x, int weights) {
  const Array& ids = call.operand(x);
  if (is_float(ids.dtype)) return {};
  return check_indices(ids, 0, 1, ids.size(), 0, call.operand(weights).shape[0], 0);
}

void RnnShape::check_states(const Call& call, int operand) const {
  if (!call.has(operand)) return;
  if (call.count(operand) != states())
    fail(ErrorKind::value, call,
         operand_name(call, operand) + " has " + std::to_string(call.count(operand)) +
             " arrays, expected " + std::to_string(states()));
  const int64_t expected[] = {batch, units};
  for (int i = 0; i < states(); ++i)
    check_item(call, operand, i, dtype, 2, expected, "a state a row of inputs");
}

namespace {

constexpr const char* kCellNames[] = {"simple", "lstm", "lstm_peephole", "gru", "gru_before"};
constexpr const char* kActivationNames[] = {"linear", "relu", "sigmoid", "tanh"};  // RnnActivation

}  // namespace

std::vector<AttributeInfo> rnn_attributes() {
  const auto cells = [] { return CodeList{kCellNames, static_cast<int>(Cell::count)}; };
  const auto activations = [] { return CodeList{kActivationNames, 4}; };
  using A = RnnAttributes;
  return {{"cell", AttributeKind::code, offsetof(A, cell), 0, cells},
          {"activation", AttributeKind::code, offsetof(A, activation), kRnnTanh, activations},
          {"recurrent_activation", AttributeKind::code, offsetof(A, recurrent_activation),
           kRnnSigmoid, activations},
          {"directions", AttributeKind::integer, offsetof(A, directions), 1},
          {"backwards", AttributeKind::boolean, offsetof(A, backwards)},
          {"zero_masked", AttributeKind::boolean, offsetof(A, zero_masked)}};
}

}  // namespace fastnn
