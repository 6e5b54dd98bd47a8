#include "engine/base/communicator.h"

#include <algorithm>

namespace firn {

namespace {

constexpr int kNothing = -1;  // the number of what has no bytes

}  // namespace

void Communicator::send(int to, std::span<const std::byte> data) {
  bytes_sent_ += data.size();
  for (; !data.empty(); data = data.subspan(std::min(kMost, data.size())))
    do_send(to, data.first(std::min(kMost, data.size())));
}

void Communicator::receive(int from, std::span<std::byte> data) {
  for (; !data.empty(); data = data.subspan(std::min(kMost, data.size())))
    do_receive(from, data.first(std::min(kMost, data.size())));
}

int Communicator::start_send(int to, std::span<const std::byte> data, int way) {
  bytes_sent_ += data.size();
  return data.empty() ? kNothing : do_start_send(to, data, way);
}

int Communicator::start_receive(int from, std::span<std::byte> data, int way) {
  return data.empty() ? kNothing : do_start_receive(from, data, way);
}

bool Communicator::done(int number) {
  return number == kNothing || is_done(number);
}

int Communicator::greatest(int number) {
  const auto bytes = [](int& value) { return std::as_writable_bytes(std::span(&value, 1)); };
  int own = number, most = number;
  if (rank_ == 0) {
    for (int from = 1; from < ranks_; ++from) {
      int other = 0;
      receive(from, bytes(other));
      most = std::max(most, other);
    }
    for (int to = 1; to < ranks_; ++to) send(to, bytes(most));
  } else {
    send(0, bytes(own));
    receive(0, bytes(most));
  }
  finish();
  return most;
}

std::string Communicator::from_first(const std::string& text) {
  std::string result = text;
  std::uint64_t size = text.size();
  const auto length = std::as_writable_bytes(std::span(&size, 1));
  if (rank_ == 0) {
    for (int to = 1; to < ranks_; ++to) {
      send(to, length);
      send(to, std::as_bytes(std::span(text)));
    }
  } else {
    receive(0, length);
    result.assign(size, '\0');
    receive(0, std::as_writable_bytes(std::span(result)));
  }
  finish();
  return result;
}

}  // namespace firn
