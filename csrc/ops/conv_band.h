// The part of an image that some rows of results read, with the zeros of its padding: what tiles of
// a convolution by rows read where the image itself has no zeros.
#pragma once

#include "ops/conv_rows.h"

namespace fastnn {

// How results and their taps lie along an axis: as in x, from the first position that is read to
// the last; or each result's taps behind those of the one before it, where those are fewer.
struct BandAxis {
  int64_t count, result, tap;  // places; from a result to the next, from a tap to the next
  const RowsAxis& axis;
  bool apart;

  BandAxis(const RowsAxis& axis, int64_t results);

  // Of place i, positions of x behind the first.
  int64_t position(int64_t i) const {
    return apart ? i / axis.taps * axis.stride + i % axis.taps * axis.step : i;
  }
};

// [planes of y, taps of that axis, down, across, channels that are read]
struct ConvBand {
  const RowsProblem& p;
  BandAxis down, across;

  // What so many rows of y read.
  ConvBand(const RowsProblem& problem, int64_t rows);

  int64_t row() const { return across.count * p.depth; }  // elements
  int64_t plane() const { return down.count * row(); }

  // The rows of y begin with row0.
  void fill(int64_t plane0, int64_t plane1, int64_t row0, char* to) const;

 private:
  void fill_row(const char* from, char* to) const;
};

}  // namespace fastnn
