/// What `--dry-run` prints.
enum DryRun {
    /// Prints the requests that would be sent, and what could not be read.
    static func show(_ jobs: [Job], _ options: ContentOptions, asJSON: Bool) -> ExitStatus {
        var status = ExitStatus.accepted
        for job in jobs {
            let method = options.put ? "PUT" : "POST"
            System.write((asJSON ? json(job, method).text : text(job, method)) + "\n", to: 1)
            for file in job.files where !file.isStandardInput {
                guard let obstacle = System.obstacle(toReading: file.path) else { continue }
                Reporter.tell(Format.escaped("\(file.path): \(obstacle)"))
                status = .source
            }
        }
        return status
    }

    private static func text(_ job: Job, _ method: String) -> String {
        let files = job.files.map { file in
            let size = file.size.map { Format.bytes($0) } ?? "unknown size"
            return "\n  " + Format.escaped("\(file.path) as \(file.name)") + ", " + size
        }
        return "\(method) \(Format.escaped(Format.url(job.url)))" + files.joined()
    }

    private static func json(_ job: Job, _ method: String) -> JSON {
        let files = job.files.map { file in
            JSON.object([
                ("path", .string("\(file.path)")), ("name", .string("\(file.name)")),
                ("size", file.size.map { .number($0) }),
            ])
        }
        return .object([
            ("type", .string("request")), ("method", .string(method)), ("url", .string(Format.url(job.url))),
            ("files", .array(files)),
        ])
    }
}
