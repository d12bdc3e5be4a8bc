#include "tools/tune/predict_command.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/tune/console.h"
#include "tools/tune/handshake_cost.h"
#include "tools/tune/key_names.h"
#include "tools/tune/predict.h"

namespace floodgate::tune {

int RunPredict(const PredictOptions& options) {
  Question question = options.question;
  std::string key;
  if (options.measure) {
    const absl::StatusOr<HandshakeCost> cost = MeasureHandshake(options.key);
    if (!cost.ok()) return Fail(cost.status());
    question.handshake = *cost;
    key = KeyName(options.key);
  }
  absl::Status printed = options.json ? absl::OkStatus() : Print(PredictionHeading(question));
  std::vector<Prediction> predictions;
  for (const int backlog : options.backlogs) {
    if (!printed.ok()) return Fail(printed);
    predictions.push_back(Predict(question, backlog));
    if (!options.json) printed = Print(PredictionRow(predictions.back()));
  }
  if (options.json) printed = Print(PredictionsJson(question, key, predictions));
  return printed.ok() ? 0 : Fail(printed);
}

}  // namespace floodgate::tune
