// optimizer_step by lamb and adafactor: a parameter steps along a direction, by a number that
// depends on the length of both. So there are two passes: one moves the slots, keeps the direction
// and adds up squares, the other steps.
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

constexpr int64_t kTask = 8;  // blocks

// What the scratch memory has of a block and of a parameter, before the directions.
struct Squares {
  double parameter, direction;
};
struct OfParameter {
  char* direction;
  OptimizerConstants length;  // by which it steps along the direction: a rate of sgd
};
constexpr int64_t kOfBlock = sizeof(Squares), kOfParameter = sizeof(OfParameter);

double number_at(const char* x, DType dtype) {
  return dtype == DType::float32 ? static_cast<double>(*reinterpret_cast<const float*>(x))
                                 : *reinterpret_cast<const double*>(x);
}

double squares_of(const char* x, int64_t count, DType dtype) {
  alignas(8) char sum[8];
  const Folder folder = folder_for(ReduceOp::sum_squares, dtype);
  folder.rows(folder.op, x, 1, count, sum);
  return number_at(sum, dtype);
}

int64_t blocks_of(const Array& x) { return ceil_div(x.size(), kBlock); }

// NaN stays.
double at_least(double x, double least) { return x < least ? least : x; }

// What the direction is multiplied by.
double length_of(const Step& step, double t, Squares squares, double size) {
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
  for_pieces(list.units(), kTask, [&](int64_t begin, int64_t count) {
    int64_t block = begin;
    list.for_each(begin, begin + count, [&](int i, int64_t from, int64_t to) {
      const int64_t size = step.call.operand(Parameters, i).size();
      for (int64_t k = from; k < to; ++k)
        body(i, k * kBlock, std::min(kBlock, size - k * kBlock), block++);
    });
  });
}

int64_t direction_bytes(const Array& w) { return (w.bytes() + 63) / 64 * 64; }

// Moves the slots of some elements of parameter i, and writes where it is to go.
void direct(const Step& step, int i, int64_t first, int64_t count, char* direction) {
  alignas(64) char buffer[kBlock * 8];
  const char* g = step.gradient(i, first, count, buffer);
  void* slots[kMostSlots];
  bool moves = true;
  if (step.attributes.rule == kRule_lamb) {
    step.slots_at(i, first, slots);
  } else {
    slots[0] = step.at(Slots, 2 * step.parameters + i, first);
    moves = step.call.operand(Parameters, i).rank < 2;
  }
  step.kernel.direct[static_cast<int>(step.dtype(i))][step.attributes.rule](
      &step.constants, count, slots, g, moves, direction);
}

}  // namespace

int64_t scaled_scratch(const Call& call) {
  const auto& attributes = call.attributes.as<Attributes>();
  if (!is_scaled(attributes)) return 0;
  const int parameters = call.count(Parameters);
  int64_t blocks = 0, directions = 0;
  for (int i = 0; i < parameters; ++i) {
    const Array& w = call.operand(Parameters, i);
    blocks += blocks_of(w);
    directions += direction_bytes(w);
    if (attributes.rule == kRule_adafactor && w.rank > 1)  // in the same place, before
      directions = std::max(directions, matrix_scratch(w));
  }
  return FlatList::scratch_bytes(parameters) + parameters * kOfParameter + blocks * kOfBlock +
         directions;
}

void run_scaled(const Step& step, double t, char* scratch) {
  const FlatList list(step.call, Parameters, kBlock, scratch);
  OfParameter* own =
      reinterpret_cast<OfParameter*>(scratch + FlatList::scratch_bytes(step.parameters));
  Squares* squares = reinterpret_cast<Squares*>(own + step.parameters);
  char* directions = reinterpret_cast<char*>(squares + list.units());
  for (int i = 0; i < step.parameters; ++i) {
    const Array& w = step.call.operand(Parameters, i);
    if (step.attributes.rule == kRule_adafactor && w.rank > 1 && w.size() > 0)
      move_matrix(step, i, directions);
  }
  char* place = directions;
  for (int i = 0; i < step.parameters; ++i) {
    own[i].direction = place;
    place += direction_bytes(step.call.operand(Parameters, i));
  }

  for_blocks(step, list, [&](int i, int64_t first, int64_t count, int64_t block) {
    const DType dtype = step.dtype(i);
    char* direction = own[i].direction + first * item_size(dtype);
    if (const double decay = step.decay_of(i); decay != 0)
      step.kernel.decay[static_cast<int>(dtype)](step.at(Parameters, i, first), decay, count);
    direct(step, i, first, count, direction);
    squares[block] = {squares_of(step.at(Parameters, i, first), count, dtype),
                      squares_of(direction, count, dtype)};
  });
  for (int i = 0; i < step.parameters; ++i) {
    Squares total{0, 0};
    const Array& w = step.call.operand(Parameters, i);
    for (const Squares* end = squares + blocks_of(w); squares < end; ++squares) {
      total.parameter += squares->parameter;
      total.direction += squares->direction;
    }
    own[i].length = {{length_of(step, t, total, static_cast<double>(w.size()))}};
  }
  for_blocks(step, list, [&](int i, int64_t first, int64_t count, int64_t) {
    const DType dtype = step.dtype(i);
    step.kernel.step[static_cast<int>(dtype)][kRule_sgd](
        &own[i].length, nullptr, count, step.at(Parameters, i, first), nullptr,
        own[i].direction + first * item_size(dtype));
    step.finish(i, first, first, count);
  });
}

}  // namespace step
}  // namespace fastnn
