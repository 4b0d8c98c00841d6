// Notes of the primitives that a thread launches, taken while they run.
//
// A recording holds every block that a note names: no address is used twice while it lasts, so two
// notes that name one block mean one value.
#pragma once

#include <string>
#include <vector>

#include "core/primitive.h"

namespace fastnn {

class Recording {
 public:
  Recording() = default;
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  ~Recording();

  // Between these, what this thread launches is noted. One recording a thread at a time.
  void start();
  void stop();

  void note(const Call& call);

  // Says why no plan can be made of this; the first reason stays.
  void refuse(const std::string& reason);

  // Whether the block was made by this thread since `start`.
  bool is_new(const Block& block) const;

  const std::vector<Call>& notes() const { return notes_; }
  const std::vector<std::string>& lines() const { return lines_; }
  const std::string& refusal() const { return refusal_; }

  std::string line;  // of the user's program, which the next notes come from

 private:
  std::vector<Call> notes_;
  std::vector<std::string> lines_;  // one a note
  std::string refusal_;
  uint64_t first_serial_ = 0, last_serial_ = 0;
};

// The recording that runs on this thread; null: none.
Recording* current_recording();

}  // namespace fastnn
