import Foundation
import TestSupport
import Testing

/// The exit status of the upload tool, and what it says after a failure.
@Suite("The upload tool, failures", .timeLimit(.minutes(3)))
struct UploadStatusTests {
    private let tool: UploadTool

    init() throws { tool = try UploadTool() }

    /// Answers each request with this status.
    private func server(_ status: Int) throws -> FaultServer {
        try FaultServer { connection in
            while try connection.readRequest() != nil {
                try connection.respond(status, "why\n\n")
            }
        }
    }

    @Test(
        "a refusal is 4 and a failed server 5, with the server's words and advice",
        arguments: [
            (413, 4, "higher limit"), (404, 4, "--put"), (302, 4, "redirects"), (500, 5, "500"), (507, 5, "no space"),
            (403, 4, "--token-file"), (407, 4, "https_proxy"), (504, 5, "--retry-all"),
        ])
    func answers(status: Int, exit: Int, advice: String) async throws {
        let result = try await tool.run([try tool.file("a"), try server(status).url])
        #expect(result.status == exit && result.output == "", "\(result.output)")
        #expect(result.errorOutput.contains("the server answered \(status) (why)"), "\(result.errorOutput)")
        #expect(result.errorOutput.contains(advice), "\(result.errorOutput)")
    }

    @Test("a redirect that is not followed is shown without what may be secret") func redirect() async throws {
        let server = try FaultServer { connection in
            _ = try connection.readRequest()
            try connection.respond(302, fields: "Location: http://user:secret@h/there?secret#secret\r\n")
        }
        let file = try tool.file("a")
        let result = try await tool.run([file, server.url])
        let advice = "the server redirects the request to http://h/there: give that URL"
        #expect(result.status == 4)
        #expect(result.errorOutput == "upload: \(file): the server answered 302: \(advice)\n")
    }

    @Test("of a document of JSON the error is shown") func errorMember() async throws {
        let server = try await ServerProcess.start()
        defer { server.process.terminate() }
        let result = try await tool.run([try tool.file("a"), server.url + "/files/a"])
        #expect(
            result.status == 4 && result.errorOutput.contains("answered 415 (a form is not a file: "),
            "\(result.errorOutput)")
    }

    @Test("an unreadable file is 3, and the others are sent") func source() async throws {
        let server = try await ServerProcess.start()
        defer { server.process.terminate() }
        let result = try await tool.run(["/nonexistent", try tool.file("a"), server.url])
        #expect(
            result.status == 3 && result.errorOutput.hasPrefix("upload: /nonexistent: No such file"),
            "\(result.errorOutput)")
        #expect(result.errorOutput.contains("1 of 2 requests accepted, 1 failed"), "\(result.errorOutput)")
        #expect(try server.directory.contents() == ["a"])
    }

    @Test("no connection is 6, a time limit 7, different failures 1") func connection() async throws {
        let file = try tool.file("a")
        let refused = try await tool.run([file, "127.0.0.1:1"])
        #expect(
            refused.status == 6 && refused.errorOutput.contains("check that the server runs"), "\(refused.errorOutput)")
        let silent = try FaultServer { connection in
            _ = try connection.readRequest(); _ = try connection.readRequest()
        }
        let late = try await tool.run(["--timeout", "0.5", file, silent.url])
        #expect(late.status == 7 && late.errorOutput.contains("--timeout"), "\(late.errorOutput)")
        let mixed = try await tool.run(["/nonexistent", file, "127.0.0.1:1"])
        #expect(mixed.status == 1, "\(mixed.errorOutput)")
    }

    @Test("arguments that make no sense are 2, in one line that says why")
    func usage() async throws {
        let file = try tool.file("a")
        let cases: [([String], String)] = [
            ([], "no file"), ([file], "the URL belongs after it"), (["--nonsense", file, "h"], "nonsense"),
            ([file, "ftp://h"], "neither http nor https"), (["--jobs", "0", file, "h"], "--jobs"),
            (["--key", "k", file, "h"], "--key needs --cert"), (["-H", "x", file, "h"], "Name: value"),
            ([file, "http://"], "URL"), (["--token-file", "/nonexistent", file, "h"], "cannot be read"),
        ]
        for (arguments, reason) in cases {
            let result = try await tool.run(arguments)
            #expect(result.status == 2 && result.output == "", "\(arguments): \(result.output)")
            #expect(result.errorOutput.contains(reason), "\(arguments): \(result.errorOutput)")
            #expect(result.errorOutput.split(separator: "\n").count == 1, "\(result.errorOutput)")
        }
    }

    @Test("--help and --version go to standard output") func help() async throws {
        let help = try await tool.run(["--help"])
        #expect(help.status == 0 && help.errorOutput == "" && help.output.contains("USAGE: upload [options] FILE… URL"))
        #expect(help.output.contains("UPLOAD_TOKEN") && help.output.contains("--retry-all"))
        #expect(try await tool.run(["--version"]).output.split(separator: ".").count == 3)
    }
}
