import Foundation
import TestSupport
import Testing

/// What the README and the articles say.
@Suite("README and other documents", .timeLimit(.minutes(3)))
struct ReadmeTests {
    private let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The blocks of code in that language.
    private func blocks(of language: String, in path: String = "README.md") throws -> [String] {
        let text = try String(contentsOf: package.appendingPathComponent(path), encoding: .utf8)
        return text.components(separatedBy: "```\(language)\n").dropFirst().compactMap {
            $0.components(separatedBy: "```").first
        }
    }

    private static let articles = ["HTTPStreaming", "Streaming", "Errors", "Memory", "Internals"].map {
        "Sources/HTTPStreaming/HTTPStreaming.docc/\($0).md"
    }

    @Test("every Swift example compiles, alone and as Swift 6", arguments: ["README.md"] + articles)
    func examplesCompile(page: String) async throws {
        guard Subprocess.find("swiftc") != nil else { try Test.cancel("skipped: there is no swiftc") }
        let directory = try TemporaryDirectory()
        let examples = try blocks(of: "swift", in: page)
        try #require(!examples.isEmpty)
        for example in examples {
            let path = try directory.write(example.utf8, to: "main.swift")
            let result = try await Subprocess.run(
                "swiftc",
                [
                    "-typecheck", "-swift-version", "6", "-warnings-as-errors", path,
                    "-I", Bundle.main.bundleURL.appendingPathComponent("Modules").path,
                    "-Xcc", "-fmodule-map-file=\(package.path)/Sources/CCurl/module.modulemap",
                    "-Xcc", "-fmodule-map-file=\(package.path)/Sources/CSystemCalls/module.modulemap",
                    "-Xcc", "-fmodule-map-file=\(package.path)/Sources/CZlib/module.modulemap",
                ]
            )
            #expect(result.status == 0, "\(result.errorOutput)")
        }
    }

    @Test("the first example is what the downstream package builds, in 15 lines")
    func downstream() throws {
        let main = package.appendingPathComponent("Tests/Downstream/Sources/Downstream/main.swift")
        let example = try #require(try blocks(of: "swift").first)
        #expect(try String(contentsOf: main, encoding: .utf8) == example)
        #expect(example.split(separator: "\n", omittingEmptySubsequences: false).dropLast().count <= 15)
    }

    @Test("every make target that a document names exists")
    func targets() throws {
        let makefile = try String(contentsOf: package.appendingPathComponent("Makefile"), encoding: .utf8)
        let text = try String(contentsOf: package.appendingPathComponent("README.md"), encoding: .utf8)
        for match in text.matches(of: /make ([a-z]+)(?=[ `\n])/) {
            #expect(makefile.contains("\n\(match.1):"), "make \(match.1)")
        }
    }

    @Test("every suite and test in the table of behaviours exists")
    func behaviours() throws {
        var sources: [String: String] = [:]
        let tests = package.appendingPathComponent("Tests")
        let enumerator = try #require(FileManager.default.enumerator(atPath: tests.path))
        for case let file as String in enumerator where file.hasSuffix(".swift") && !file.hasPrefix("Sanitize/") {
            let text = try String(contentsOf: tests.appendingPathComponent(file), encoding: .utf8)
            for match in text.matches(of: /(?m)^(?:@Suite.*)?\b(?:struct|extension) (\w+)/) {
                sources[String(match.1), default: ""] += text
            }
        }
        let table = try String(contentsOf: package.appendingPathComponent("docs/BEHAVIOUR.md"), encoding: .utf8)
        var count = 0
        for line in table.split(separator: "\n") where line.hasPrefix("|") {
            var suite = ""
            for match in line.split(separator: "|").last?.matches(of: /`(\w*)(?:\/(\w+))?`/) ?? [] {
                if !match.1.isEmpty { suite = String(match.1) }
                let source = try #require(sources[suite], "\(suite)")
                if let test = match.2 { #expect(source.contains("func \(test)("), "\(suite)/\(test)") }
                count += 1
            }
        }
        #expect(count > 100)
    }
}
