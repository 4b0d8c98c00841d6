// How a call of rnn_backward is laid out: its memory, and the products over all steps.
#pragma once

#include <vector>

#include "ops/rnn_team.h"

namespace fastnn {

enum RnnGradientOperand {
  kGradDx,
  kGradDweights,
  kGradDinitial,
  kGradDy,
  kGradDlast,
  kGradX,
  kGradWeights,
  kGradMask,
  kGradGates,
  kGradHistory,
  kGradScratch
};
enum RnnGradientWanted { kWantDx, kWantDweights, kWantDinitial };

struct RnnProducts {
  const Call& call;
  const RnnAttributes& attributes;
  RnnShape shape;
  int64_t packed_each[2] = {0, 0}, packed_bytes = 0;  // of u^T: a segment's, a direction's
  // Where things lie in the scratch memory; of a direction each, but for the products' memory.
  int64_t packed_at, dgates_at, inputs_at, states_at, codes_at, products_at, bytes;
  // From a row of the gates' gradients to the next: an odd number of lines of a cache, so that rows
  // do not share its sets.
  int64_t dgates_row;
  int64_t dgates_bytes, inputs_bytes, states_bytes, codes_bytes;

  explicit RnnProducts(const Call& call)
      : call(call),
        attributes(call.attributes.as<RnnAttributes>()),
        shape(call, kGradX, kGradWeights) {
    const int64_t element = shape.element();
    for (int i = 0; i < shape.cell.segment_count && !empty(); ++i) {
      packed_each[i] = aligned(step_product(i, shape.batch).packed_elements() * element);
      packed_bytes += packed_each[i];
    }
    dgates_row = (aligned(shape.kept() * element) | kLine) / element;
    dgates_bytes = shape.rows() * dgates_row * element;
    inputs_bytes = aligned(shape.rows() * shape.depth() * element);
    states_bytes = aligned(shape.state_bytes());
    codes_bytes = call.has(kGradMask) ? aligned(shape.rows()) : 0;
    const int64_t d = shape.directions;
    packed_at = 0;
    dgates_at = packed_at + d * packed_bytes;
    inputs_at = dgates_at + d * dgates_bytes;
    states_at = inputs_at + d * inputs_bytes;
    codes_at = states_at + d * kStates * states_bytes;
    products_at = codes_at + d * codes_bytes;
    bytes = products_at;
    if (empty()) return;
    const std::vector<GemmProblem> all = products(0);
    bytes += gemm_scratch_bytes(all.data(), static_cast<int>(all.size()), thread_count());
  }

  static constexpr int kStates = 3;  // gradients by h, c and q

  bool empty() const { return shape.batch == 0 || shape.units == 0 || shape.steps == 0; }
  bool wants(int what) const { return attributes.want[what] != 0; }

  // What reaches h, or q: gates of one segment times its columns of u, transposed.
  StepProduct step_product(int segment, int64_t rows) const {
    return StepProduct(shape.dtype, rows, shape.batch, shape.units,
                       shape.cell.segments[segment].gates * shape.units);
  }

  // Null while the memory is only measured.
  char* scratch(int64_t at) const {
    char* base = call.operand(kGradScratch).data;
    return base ? base + at : nullptr;
  }
  char* dgates(int d) const { return scratch(dgates_at + d * dgates_bytes); }
  char* inputs(int d) const { return scratch(inputs_at + d * inputs_bytes); }
  const Array& weight(int d, int i) const {
    return call.operand(kGradWeights, d * shape.weights_each + i);
  }
  char* dweight(int d, int i) const {
    return call.has(kGradDweights) ? call.operand(kGradDweights, d * shape.weights_each + i).data
                                   : nullptr;
  }

  // The products over all steps: those by weights, then that by x, which takes the place of x.
  std::vector<GemmProblem> products(int d) const {
    std::vector<GemmProblem> all;
    const int64_t units = shape.units, columns = shape.columns(), element = shape.element();
    char* signal = dgates(d);
    if (wants(kWantDweights)) {
      if (!shape.of_ids)
        all.push_back(
            by_weight(inputs(d), shape.inputs, shape.inputs, signal, columns, dweight(d, 0)));
      for (int i = 0; i < shape.cell.segment_count; ++i) {
        const Segment& s = shape.cell.segments[i];
        const char* rows = s.of_q ? call.operand(kGradGates, d).data + kBlockOfQ * units * element
                                  : call.operand(kGradHistory, d * shape.cell.states).data;
        all.push_back(by_weight(rows, units, s.of_q ? shape.kept() : units,
                                moved(signal, s.block * units), s.gates * units,
                                moved(dweight(d, 1), s.gate * units)));
        if (shape.has_bias && shape.cell.splits_bias)
          all.push_back(by_bias(moved(signal, s.block * units), s.gates * units,
                                moved(dweight(d, 2), columns + s.gate * units)));
      }
      if (shape.has_bias) all.push_back(by_bias(signal, columns, dweight(d, 2)));
    }
    if (wants(kWantDx)) {
      GemmProblem g;
      g.dtype = shape.dtype;
      g.m = shape.rows();
      g.n = g.c_row = shape.inputs;
      g.k = g.b_column = columns;
      g.a = signal;
      g.a_row = dgates_row;
      g.a_k = g.b_k = 1;
      g.b = weight(d, 0).data;
      g.c = inputs(d);
      all.push_back(g);
    }
    return all;
  }

 private:
  char* moved(char* base, int64_t elements) const {
    return base ? base + elements * shape.element() : nullptr;
  }

  GemmProblem by_weight(const char* rows, int64_t m, int64_t row, const char* signal, int64_t n,
                        char* c) const {
    GemmProblem g;
    g.dtype = shape.dtype;
    g.m = m;
    g.n = n;
    g.k = shape.rows();
    g.a = rows;
    g.a_row = 1;
    g.a_k = row;
    g.b = signal;
    g.b_k = dgates_row;
    g.b_column = 1;
    g.c = c;
    g.c_row = shape.columns();
    return g;
  }

  GemmProblem by_bias(const char* signal, int64_t n, char* c) const {
    GemmProblem g = sum_of_rows(shape.dtype, shape.rows(), n, signal, c);
    g.b_k = dgates_row;
    return g;
  }
};

}  // namespace fastnn
