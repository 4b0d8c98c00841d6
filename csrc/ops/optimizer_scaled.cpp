// optimizer_step by lamb and adafactor: a parameter steps along a direction, by a number that
// depends on the length of both. So there are two passes: one moves the slots, keeps the direction
// and adds up squares, the other steps, unless the parameter was but one block. (To find the
// direction twice would touch less memory, but a root and a quotient take longer than a cache.)
//
// Squares are added up in blocks of a parameter, then block by block in double precision.
#include <algorithm>
#include <cmath>

#include "ops/flat_list.h"
#include "ops/optimizer_step.h"
#include "ops/reduce.h"

namespace fastnn {
namespace step {
namespace {

constexpr int64_t kTaskElements = 8 * kBlock;

// What the scratch memory has of a parameter, and of a block.
struct OfParameter {
  char* direction;
  double* rows;               // Adafactor's, of matrices
  OptimizerConstants length;  // by which it steps along the direction: a rate of sgd
};
constexpr int64_t kOfParameter = sizeof(OfParameter), kOfBlock = sizeof(OptimizerSquares),
                  kOfRow = sizeof(double);

int64_t blocks_of(const Array& x) { return ceil_div(x.size(), kBlock); }
bool is_one_block(const Step& step, int i) {
  return blocks_of(step.call.operand(Parameters, i)) == 1;
}

// NaN stays.
double at_least(double x, double least) { return x < least ? least : x; }

// What the direction is multiplied by.
double length_of(const Step& step, double t, OptimizerSquares squares, double size) {
  const double* h = step.call.operand(Hyper).as<double>();
  if (step.attributes.rule == kRule_lamb) {
    const double from = std::sqrt(squares.parameter), to = std::sqrt(squares.direction);
    return step.rate * (from > 0 && to > 0 ? from / to : 1);
  }
  const double from = at_least(std::sqrt(squares.parameter / size), h[2]);
  const double to = at_least(std::sqrt(squares.direction / size) / h[3], 1);
  return std::min(step.rate, 1 / std::sqrt(t)) * from / to;
}

// Calls body(i, first, count, block) for the blocks of all parameters; `block` counts all of them.
template <class Body>
void for_blocks(const Step& step, const FlatList& list, Body&& body) {
  int64_t elements = 0;
  for (int i = 0; i < step.parameters; ++i) elements += step.call.operand(Parameters, i).size();
  const int64_t each = ceil_div(elements, std::max<int64_t>(list.units(), 1));
  for_pieces(list.units(), units_per_task(each, kTaskElements), [&](int64_t begin, int64_t count) {
    int64_t block = begin;
    list.for_each(begin, begin + count, [&](int i, int64_t from, int64_t to) {
      const int64_t size = step.call.operand(Parameters, i).size();
      for (int64_t k = from; k < to; ++k)
        body(i, k * kBlock, std::min(kBlock, size - k * kBlock), block++);
    });
  });
}

int64_t direction_bytes(const Array& w) { return (w.bytes() + 63) / 64 * 64; }

// Where some elements of parameter i are to go; with `moves` their slots move before.
OptimizerSquares direct(const Step& step, int i, int64_t first, int64_t count, bool moves,
                        char* direction) {
  void* slots[kMostSlots];
  if (step.attributes.rule == kRule_lamb)
    step.slots_at(i, first, slots);
  else
    slots[0] = step.at(Slots, 2 * step.parameters + i, first);
  const OptimizerPrelude prelude = step.prelude(i);
  OptimizerSquares squares;
  step.kernel.direct[static_cast<int>(step.dtype(i))][step.attributes.rule](
      &step.constants, step.is_bare(prelude) ? nullptr : &prelude, count,
      step.at(Parameters, i, first), slots, step.at(step.source, i, first), moves, direction,
      &squares);
  return squares;
}

// The parameters whose mean squares come from those of rows and columns.
bool has_matrices(const Step& step, int i) {
  const Array& w = step.call.operand(Parameters, i);
  return step.attributes.rule == kRule_adafactor && w.rank > 1 && w.size() > 0;
}

}  // namespace

int64_t scaled_scratch(const Call& call) {
  const auto& attributes = call.attributes.as<Attributes>();
  if (!is_scaled(attributes)) return 0;
  const int parameters = call.count(Parameters);
  int64_t blocks = 0, rows = 0, more = 0;
  for (int i = 0; i < parameters; ++i) {
    const Array& w = call.operand(Parameters, i);
    blocks += blocks_of(w);
    more += direction_bytes(w);
    if (attributes.rule == kRule_adafactor && w.rank > 1) {
      rows += rows_of(w);
      more = std::max(more, sums_scratch(w));  // in the same place, before
    }
  }
  return FlatList::scratch_bytes(parameters) + parameters * kOfParameter + blocks * kOfBlock +
         rows * kOfRow + more;
}

void run_scaled(const Step& step, double t, char* scratch) {
  const FlatList list(step.call, Parameters, kBlock, scratch);
  OfParameter* own =
      reinterpret_cast<OfParameter*>(scratch + FlatList::scratch_bytes(step.parameters));
  auto* squares = reinterpret_cast<OptimizerSquares*>(own + step.parameters);
  double* rows = reinterpret_cast<double*>(squares + list.units());
  for (int i = 0; i < step.parameters; ++i) {
    own[i].rows = rows;
    if (has_matrices(step, i)) rows += rows_of(step.call.operand(Parameters, i));
  }
  char* place = reinterpret_cast<char*>(rows);
  for (int i = 0; i < step.parameters; ++i)
    if (has_matrices(step, i)) move_means(step, i, own[i].rows, place);
  for (int i = 0; i < step.parameters; ++i) {
    own[i].direction = place;
    place += direction_bytes(step.call.operand(Parameters, i));
  }

  const auto find_length = [&](int i, OptimizerSquares total) {
    const auto size = static_cast<double>(step.call.operand(Parameters, i).size());
    own[i].length = {{length_of(step, t, total, size)}};
  };
  const auto go_along = [&](int i, int64_t first, int64_t count) {
    const DType dtype = step.dtype(i);
    step.kernel.step[static_cast<int>(dtype)][kRule_sgd](
        &own[i].length, nullptr, count, step.at(Parameters, i, first), nullptr,
        own[i].direction + first * item_size(dtype));
    step.finish(i, first, first, count);
  };

  for_blocks(step, list, [&](int i, int64_t first, int64_t count, int64_t block) {
    const bool of_means = has_matrices(step, i);
    if (of_means) write_mean_squares(step, i, first, count, own[i].rows);
    squares[block] = direct(step, i, first, count, !of_means,
                            own[i].direction + first * item_size(step.dtype(i)));
    if (is_one_block(step, i)) {
      find_length(i, squares[block]);
      go_along(i, first, count);
    }
  });
  bool is_done = true;
  for (int i = 0; i < step.parameters; ++i) {
    OptimizerSquares total{0, 0};
    const OptimizerSquares* end = squares + blocks_of(step.call.operand(Parameters, i));
    for (; squares < end; ++squares) {
      total.parameter += squares->parameter;
      total.direction += squares->direction;
    }
    if (is_one_block(step, i)) continue;
    find_length(i, total);
    is_done = false;
  }
  if (is_done) return;
  for_blocks(step, list, [&](int i, int64_t first, int64_t count, int64_t) {
    if (!is_one_block(step, i)) go_along(i, first, count);
  });
}

}  // namespace step
}  // namespace fastnn
