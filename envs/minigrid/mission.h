// Missions of MiniGrid and BabyAI: sentences of a fixed vocabulary, kept as text and as numbers of words.
//
// The number of a word is its place in kVocabulary, which both families share; 0 is padding. A new word goes to the end
// of the list, so that the numbers of the others stay what they are.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/base/archive.h"
#include "core/base/check.h"
#include "envs/minigrid/grid.h"

namespace corvid::minigrid {

inline constexpr auto kVocabulary = std::to_array<std::string_view>(
    {"",        ",",    "a",       "after", "and",      "at",       "avoid", "ball", "behind", "blue",   "box",
     "door",    "end",  "fetch",   "find",  "from",     "front",    "get",   "go",   "goal",   "green",  "grey",
     "hallway", "in",   "key",     "lava",  "left",     "matching", "must",  "near", "next",   "object", "of",
     "on",      "open", "opening", "pick",  "purple",   "put",      "reach", "red",  "right",  "room",   "rooms",
     "square",  "the",  "then",    "to",    "traverse", "unlock",   "up",    "use",  "yellow", "you",    "your"});

using Word = std::uint8_t;

/// The number of a word. What is not in the vocabulary does not compile.
constexpr Word word(std::string_view text) {
  for (std::size_t i = 1; i < kVocabulary.size(); ++i) {
    if (kVocabulary[i] == text) return static_cast<Word>(i);
  }
  CORVID_CHECK(false, "not in the vocabulary of missions");
}

constexpr Word word(Hue hue) {
  constexpr std::array kHues = {word("red"), word("green"), word("blue"), word("purple"), word("yellow"), word("grey")};
  return kHues[static_cast<std::size_t>(hue)];
}

/// Of doors, keys, balls and boxes.
constexpr Word word(Kind kind) {
  constexpr std::array kKinds = {word("door"), word("key"), word("ball"), word("box")};
  return kKinds[static_cast<std::size_t>(kind) - static_cast<std::size_t>(Kind::kDoor)];
}

/// Words of a literal text, found while compiling: "pick up the". A comma is a word.
struct Phrase {
  std::array<Word, 16> words{};
  int count = 0;

  consteval Phrase(const char* literal) {  // NOLINT(google-explicit-constructor)
    std::string_view text(literal);
    while (!text.empty()) {
      const std::size_t length = text[0] == ',' ? 1 : std::min(text.find_first_of(" ,"), text.size());
      if (length > 0) words[count++] = word(text.substr(0, length));
      text.remove_prefix(std::min(length + (length < text.size() && text[length] == ' '), text.size()));
    }
  }
};

class Mission {
 public:
  static constexpr int kMaxLetters = 384, kMaxWords = 88;

  void clear() { *this = Mission(); }

  /// Appends words: mission.say("pick up the").say(hue).say(kind).
  Mission& say(Word next) {
    CORVID_DCHECK(num_words_ < kMaxWords, "the mission has too many words");
    words_[num_words_] = next;
    if (num_words_++ > 0 && next != kComma) write(" ");
    write(kVocabulary[next]);
    return *this;
  }
  Mission& say(const Phrase& phrase) {
    for (int i = 0; i < phrase.count; ++i) say(phrase.words[i]);
    return *this;
  }
  Mission& say(Hue hue) { return say(word(hue)); }
  Mission& say(Kind kind) { return say(word(kind)); }

  /// The words, which are said once more when they are loaded.
  void visit(Archive& archive);

  std::string_view text() const { return {letters_.data(), static_cast<std::size_t>(num_letters_)}; }
  int num_words() const { return num_words_; }

  // Padded with 0.
  const std::array<char, kMaxLetters>& letters() const { return letters_; }
  const std::array<Word, kMaxWords>& words() const { return words_; }

 private:
  static constexpr Word kComma = word(",");

  void write(std::string_view text) {
    CORVID_DCHECK(num_letters_ + static_cast<int>(text.size()) <= kMaxLetters, "the mission is too long");
    std::copy(text.begin(), text.end(), letters_.data() + num_letters_);
    num_letters_ += static_cast<int>(text.size());
  }

  std::array<char, kMaxLetters> letters_{};
  std::array<Word, kMaxWords> words_{};
  std::int32_t num_letters_ = 0, num_words_ = 0;
};

/// Words of a sentence, commas counted.
constexpr int count_words(std::string_view text) {
  int count = text.empty() ? 0 : 1;
  for (char letter : text) count += letter == ' ' || letter == ',';
  return count;
}

}  // namespace corvid::minigrid
