// coalition context …: how to reach which exchange, as whom.
#include <chrono>
#include <filesystem>
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/cli/app.h"
#include "client/cli/ledger_pin.h"
#include "common/ledger_verify.h"
#include "common/strings.h"

namespace coalition::cli {
namespace {

using config::v1::ClientConfig;
using config::v1::Context;

std::vector<std::string> ContextCells(const Context& context, bool current) {
  return {current ? "*" : "", context.name(), context.server(), context.certificate_file(),
          context.server_name()};
}

const std::vector<std::string> kColumns = {"current", "name", "server", "certificate", "server_name"};

// As a path that means the same from everywhere.
std::string Absolute(const std::string& file) {
  return file.empty() ? file : std::filesystem::absolute(file).lexically_normal().string();
}

int List(Session& session) {
  absl::StatusOr<ClientConfig> config = LoadConfig(ConfigPath(session.globals()));
  if (!config.ok()) return session.Fail(Local(config.status()));
  ListPrinter printer = session.List(kColumns);
  for (const Context& context : config->contexts()) {
    printer.Row(ContextCells(context, context.name() == config->current_context()), context);
  }
  printer.Finish();
  return kExitOk;
}

// Loads, lets `change` work on it, saves. `change` returns what to say.
template <class Change>
int ChangeConfig(Session& session, Change change) {
  const std::string path = ConfigPath(session.globals());
  absl::StatusOr<ClientConfig> config = LoadConfig(path);
  if (!config.ok()) return session.Fail(Local(config.status()));
  absl::StatusOr<std::string> said = change(*config);
  if (!said.ok()) return session.Fail(Local(said.status()));
  if (absl::Status status = SaveConfig(path, *config); !status.ok()) return session.Fail(Local(status));
  session.Note(*said);
  return kExitOk;
}

absl::Status NoContext(const std::string& name) {
  return absl::NotFoundError(
      absl::StrCat("there is no context ", Quoted(name), "; `coalition context list` shows all"));
}

int Use(Session& session, const std::string& name) {
  return ChangeConfig(session, [&](ClientConfig& config) -> absl::StatusOr<std::string> {
    if (FindContext(config, name) == nullptr) return NoContext(name);
    config.set_current_context(name);
    return "now in use: " + name;
  });
}

int Remove(Session& session, const std::string& name) {
  return ChangeConfig(session, [&](ClientConfig& config) -> absl::StatusOr<std::string> {
    for (int i = 0; i < config.contexts_size(); ++i) {
      if (config.contexts(i).name() != name) continue;
      config.mutable_contexts()->DeleteSubrange(i, 1);
      const bool was_current = config.current_context() == name;
      if (was_current) config.clear_current_context();
      return absl::StrCat("removed: ", name, was_current ? "; no context is in use now" : "",
                          " (certificate and key files are left alone)");
    }
    return NoContext(name);
  });
}

int Show(Session& session, const std::string& name) {
  absl::StatusOr<ClientConfig> config = LoadConfig(ConfigPath(session.globals()));
  if (!config.ok()) return session.Fail(Local(config.status()));
  const std::string& wanted = name.empty() ? config->current_context() : name;
  const Context* context = FindContext(*config, wanted);
  if (context == nullptr)
    return session.Fail(
        Local(wanted.empty() ? absl::NotFoundError("no context is in use") : NoContext(wanted)));
  session.One({{"name", context->name()},
               {"server", context->server()},
               {"ca", context->ca_file()},
               {"certificate", context->certificate_file()},
               {"key", context->key_file()},
               {"server_name", context->server_name()},
               {"ledger_key", context->ledger_key()},
               {"timeout_ms", context->timeout_ms() == 0 ? "" : std::to_string(context->timeout_ms())},
               {"current", wanted == config->current_context() ? "true" : "false"}},
              ToJson(*context));
  return kExitOk;
}

struct AddFlags {
  std::string name;
  bool no_check = false;
  bool replace = false;
};

// The settings that the flags make.
absl::StatusOr<client::ClientOptions> NewOptions(const Globals& globals, const AddFlags& flags) {
  if (absl::Status status = CheckContextName(flags.name); !status.ok()) return status;
  for (const auto& [value, flag] : {std::pair{&globals.server, "--server"},
                                    {&globals.ca, "--ca"},
                                    {&globals.certificate, "--cert"},
                                    {&globals.key, "--key"}}) {
    if (value->empty()) return absl::InvalidArgumentError(absl::StrCat(flag, " is missing"));
  }
  absl::StatusOr<client::ClientOptions> options = ResolveOptions(globals);
  if (!options.ok()) return options.status();
  if (absl::Status status = client::CheckOptions(*options); !status.ok()) return status;
  if (globals.ledger_key.empty()) return options;
  if (absl::Status status = ParseLedgerKey(globals.ledger_key).status(); !status.ok()) return status;
  return options;
}

// Connects, and verifies the newest checkpoint of the ledger where its key is to be pinned.
absl::Status Try(Session& session, const client::ClientOptions& options, const std::string& ledger_key) {
  const absl::StatusOr<std::unique_ptr<client::Client>> client = client::Client::Make(options);
  if (!client.ok()) return Local(client.status());
  const absl::StatusOr<v1::WhoAmIResponse> me = (*client)->WhoAmI();
  if (!me.ok()) return me.status();
  session.Note("connected as " + me->credential().name());
  if (ledger_key.empty()) return absl::OkStatus();
  const absl::StatusOr<VerifierKey> key = ParseLedgerKey(ledger_key);
  if (!key.ok()) return Local(key.status());
  const absl::StatusOr<std::string> note = (*client)->GetLedgerCheckpoint();
  if (!note.ok()) return note.status();
  const auto opened = ledger::OpenLogCheckpoint(*note, *key);
  if (opened.ok()) return absl::OkStatus();
  return Local(absl::FailedPreconditionError(absl::StrCat(
      "the ledger's newest checkpoint does not verify with --ledger-key: ", opened.status().message())));
}

// What the flags say, tried out unless told not to.
absl::StatusOr<Context> NewContext(Session& session, const AddFlags& flags) {
  Globals globals = session.globals();
  globals.context.clear();
  absl::StatusOr<client::ClientOptions> options = NewOptions(globals, flags);
  if (!options.ok()) return Local(options.status());
  if (!flags.no_check) {
    if (absl::Status tried = Try(session, *options, globals.ledger_key); !tried.ok()) return tried;
  }
  Context context;
  context.set_name(flags.name);
  context.set_server(globals.server);
  context.set_ca_file(Absolute(globals.ca));
  context.set_certificate_file(Absolute(globals.certificate));
  context.set_key_file(Absolute(globals.key));
  context.set_server_name(globals.server_name);
  context.set_ledger_key(globals.ledger_key);
  if (!globals.timeout.empty()) context.set_timeout_ms(static_cast<int32_t>(options->timeout.count()));
  return context;
}

int Add(Session& session, const AddFlags& flags) {
  absl::StatusOr<Context> context = NewContext(session, flags);
  if (!context.ok()) {
    const int code = session.Fail(context.status());
    if (!flags.no_check)
      session.Note(
          "  Nothing was saved. `coalition doctor` with the same flags says more; --no-check saves anyway.");
    return code;
  }
  return ChangeConfig(session, [&](ClientConfig& config) -> absl::StatusOr<std::string> {
    Context* existing = nullptr;
    for (Context& one : *config.mutable_contexts()) {
      if (one.name() == flags.name) existing = &one;
    }
    if (existing != nullptr && !flags.replace) {
      return absl::AlreadyExistsError(
          absl::StrCat("there is a context ", Quoted(flags.name), "; --replace changes it"));
    }
    // Not lost by changing something else: with another log's key nothing verifies, which is noticed.
    if (existing != nullptr && context->ledger_key().empty()) context->set_ledger_key(existing->ledger_key());
    *(existing == nullptr ? config.add_contexts() : existing) = *context;
    if (config.current_context().empty()) config.set_current_context(flags.name);
    return absl::StrCat("saved: ", flags.name, config.current_context() == flags.name ? " (in use)" : "");
  });
}

}  // namespace

void AddContextVerbs(App& app) {
  Verb family = app.AddFamily("context", "How to reach which exchange, as whom");
  app.AddVerb(family, "list", "All contexts; * marks the one in use",
              {{"context list", "The contexts of the configuration file."}}, List);

  auto add = std::make_shared<AddFlags>();
  Verb verb = app.AddVerb(
      family, "add",
      "Saves --server, --ca, --cert, --key, --server-name, --timeout and --ledger-key under a name, after "
      "trying "
      "them.\nA key of the ledger that is there already stays, unless another is given",
      {{"context add work --server exchange.example:7443 --ca ca.pem --cert me.pem --key me.key",
        "Connects, and saves the context if the exchange knows the certificate."},
       {"context add lab --server [::1]:7443 --ca ca.pem --cert me.pem --key me.key --server-name "
        "exchange.example --no-check",
        "Saves without connecting."},
       {"context add work --server exchange.example:7443 --ca ca.pem --cert me.pem --key me.key --ledger-key "
        "coalition.example/ledger+a7c19819+AT7BmjOL2xHneom3pYNdztmMDFlsv7NgfrY57heneDFP",
        "Pins the ledger's key, which you have from the coalition's office; see `coalition ledger --help`."}},
      [add](Session& session) { return Add(session, *add); });
  verb.AddOption("NAME", add->name, "Name of the context").Required();
  verb.AddFlag("--no-check", add->no_check, "Do not connect");
  verb.AddFlag("--replace", add->replace, "Change a context of that name");

  auto use = std::make_shared<std::string>();
  app.AddVerb(family, "use", "Chooses the context for later commands",
              {{"context use work", "Uses it from now on."}},
              [use](Session& session) { return Use(session, *use); })
      .AddOption("NAME", *use, "Name of the context")
      .Required();

  auto remove = std::make_shared<std::string>();
  app.AddVerb(family, "remove", "Forgets a context", {{"context remove lab", "Files are left alone."}},
              [remove](Session& session) { return Remove(session, *remove); })
      .AddOption("NAME", *remove, "Name of the context")
      .Required();

  auto show = std::make_shared<std::string>();
  app.AddVerb(family, "show", "One context",
              {{"context show", "The one in use."}, {"context show lab", "Another."}},
              [show](Session& session) { return Show(session, *show); })
      .AddOption("NAME", *show, "Name of the context (the one in use)");
}

}  // namespace coalition::cli
