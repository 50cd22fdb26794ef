import ArgumentParser
import HTTPStreaming

@main
struct UploadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upload",
        abstract: "Uploads files of any size to any HTTP server, in constant memory.",
        usage: "upload [options] FILE… URL",
        discussion: """
            FILE is a file, a folder (all files below it), a pipe, or - for standard input. The scheme of URL defaults to \
            http. Each file is sent in a request of its own, as a form or with --put as the body.

            Environment: UPLOAD_URL is the URL if the last argument does not begin with http:// or https://. \
            UPLOAD_TOKEN is a bearer token, UPLOAD_PASSWORD the password of --user, UPLOAD_KEY_PASSWORD that of --key, \
            UPLOAD_JOBS the default of --jobs.

            Exit status: 0 all accepted; 1 several failed, for different reasons; 2 invalid arguments; 3 a file was \
            unreadable or changed; 4 refused (3xx, 4xx); 5 the server failed (5xx); 6 no connection (name, address, \
            TLS), or it was lost; 7 time limit; 130 Ctrl-C.
            """,
        version: libraryVersion)

    @Argument(help: ArgumentHelp("The files, and the URL at the end.", valueName: "file… url"), completion: .file())
    var arguments: [String] = []

    @OptionGroup(title: "What is sent") var content: ContentOptions
    @OptionGroup(title: "How it is sent") var transfer: TransferOptions
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup(title: "What is shown") var display: DisplayOptions

    static func main() async {
        System.ignoreBrokenPipes()
        do {
            let command = try parse(CommandLineArguments.normalized(CommandLineArguments.all))
            System.exit(try await command.upload())
        } catch {
            // A request for help, for the version, or for a completion script.
            if exitCode(for: error) == .success {
                System.write(withoutHelpCommand(fullMessage(for: error)) + "\n", to: 1)
                System.exit(.accepted)
            }
            let message = (error as? ClientError)?.description ?? message(for: error)
            Reporter.tell("\(Format.escaped(message)); see upload --help")
            System.exit((error as? ClientError).map { ExitStatus($0.code) } ?? .usage)
        }
    }

    /// The parser (1.8) adds a command `help` to completion scripts, which it does not know itself. fish offers it in place of
    /// a file, and zsh refuses to complete anything where there are commands beside any number of files.
    private static func withoutHelpCommand(_ text: String) -> String {
        let marks = [":->command'", ":->arg'", "Show subcommand help information."]
        return text.split(separator: "\n", omittingEmptySubsequences: false)
            .filter { line in !marks.contains { line.contains($0) } }.joined(separator: "\n")
    }

    private func upload() async throws -> ExitStatus {
        let options = try UploadOptions(content, transfer, connection, display)
        let (paths, target) = try Target.split(
            arguments, defaultURL: System.environment("UPLOAD_URL"),
            isFile: { System.kind(of: CommandLineArguments.path($0)) != nil })
        let jobs = try Job.plan(try await SourceFile.find(paths.map(CommandLineArguments.path)), to: target, content)
        guard !jobs.isEmpty else { throw ValidationError("there is no file in these folders") }
        if display.dryRun { return DryRun.show(jobs, content, asJSON: display.json) }
        if connection.insecure {
            Reporter.tell(
                "warning: --insecure: certificates are not verified; anyone on the network can read and change what is sent"
            )
        }
        let reporter = Reporter(options, jobs)
        let record = transfer.resume ? try record(paths, target) : nil
        let sending = Task {
            let uploader = Uploader(
                jobs: jobs, content: content, configuration: await options.checkedConfiguration(for: target),
                workers: options.jobs, rate: SharedRate(maximum: transfer.limitRate?.bytes), verifies: transfer.verify,
                record: record)
            try await uploader.run(
                began: reporter.began, progress: { reporter.progressed($0, $1, before: $2) }, ended: reporter.ended)
        }
        let interruption = Interruption {
            sending.cancel()
            reporter.interrupted()
        }
        let showing = Task { await reporter.showProgress() }
        defer { showing.cancel() }
        try await sending.value
        let status = reporter.finish(wasInterrupted: interruption.hasHappened)
        if status == .accepted { record?.remove() }
        return status
    }

    /// What is known of the same command: of one that sends the same files, in the same way, to the same place, as the same
    /// user. Neither a token nor a password is part of it, because they may have to be corrected.
    private func record(_ paths: [String], _ target: Target) throws -> UploadRecord {
        let values: [String?] = [
            target.url, content.name, content.type, content.coding.map { "\($0)" }, connection.user,
            connection.certificateFile, connection.proxy, connection.unixSocket,
            System.workingDirectory.map(CommandLineArguments.text),
        ]
        let flags = [content.put, content.together, transfer.verify]
        let fields = content.field.flatMap { [$0.name, $0.value] }
        let headers = connection.header.filter { !$0.isCredential }.flatMap { [$0.name.lowercased(), $0.value] }
        let command = values.map { $0 ?? "" } + flags.map { "\($0)" } + ["\(fields.count)"] + fields
        return try UploadRecord(
            command: command + ["\(headers.count)"] + headers + paths, state: UploadRecord.stateFolder())
    }
}
