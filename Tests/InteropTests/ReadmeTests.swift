import Foundation
import TestSupport
import Testing

/// Whether the documents say what is true of the package.
@Suite("README and other documents", .timeLimit(.minutes(3)))
struct ReadmeTests {
    private func text(_ path: String) throws -> String { try String(contentsOf: packageFile(path), encoding: .utf8) }

    /// The fenced blocks of code in that language; of all languages unless one is given.
    private func blocks(of language: String? = nil, in path: String = "README.md") throws -> [String] {
        let parts = try text(path).components(separatedBy: "```")
        return stride(from: 1, to: parts.count, by: 2).map { parts[$0] }.compactMap { block in
            let (first, rest) = (block.prefix { $0 != "\n" }, block.drop { $0 != "\n" }.dropFirst())
            return language == nil || first == language ?? "" ? String(rest) : nil
        }
    }

    private static func files(below folder: String, _ suffix: String) -> [String] {
        let names = FileManager.default.enumerator(atPath: packageFile(folder).path)?.allObjects as? [String] ?? []
        return names.filter { $0.hasSuffix(suffix) }.sorted().map { "\(folder)/\($0)" }
    }

    private static let documents = ["README.md", "CONTRIBUTING.md"] + files(below: "docs", ".md")

    private static let articles = files(below: "Sources", ".md").filter { $0.contains(".docc/") }

    /// The programs in Examples, which `make examples` builds and runs.
    private static let programs = files(below: "Examples", "/main.swift")

    @Test(
        "every Swift example is from a program in Examples, or compiles, alone and as Swift 6",
        arguments: ["README.md"] + articles)
    func examplesCompile(page: String) async throws {
        guard Subprocess.find("swiftc") != nil else { try Test.cancel("skipped: there is no swiftc") }
        let directory = try TemporaryDirectory()
        let programs = try Self.programs.map { "\n" + (try text($0)) }
        let isOfPrograms = try text(page).contains("`Examples/")
        for example in try blocks(of: "swift", in: page) {
            if programs.contains(where: { $0.contains("\n" + example) }) { continue }
            #expect(!isOfPrograms, "not word for word in Examples: \(example)")
            let path = try directory.write(example.utf8, to: "main.swift")
            let result = try await Subprocess.run(
                "swiftc",
                [
                    "-typecheck", "-swift-version", "6", "-warnings-as-errors", path,
                    "-I", Bundle.main.bundleURL.appendingPathComponent("Modules").path,
                ]
                    + Self.files(below: "Sources", "module.modulemap").flatMap {
                        ["-Xcc", "-fmodule-map-file=\(packageFile($0).path)"]
                    }
            )
            #expect(result.status == 0, "\(result.errorOutput)")
        }
    }

    @Test("every program in Examples is named in the guide") func programsAreNamed() throws {
        let guide = try Self.articles.map { try text($0) }.joined()
        for program in Self.programs { #expect(guide.contains("`\(program.dropLast("/main.swift".count))`")) }
        #expect(Self.programs.count >= 14)
    }

    @Test("the first example is what the downstream package builds, in 15 lines") func downstream() throws {
        let example = try #require(try blocks(of: "swift").first)
        #expect(try text("Tests/Downstream/Sources/Downstream/main.swift") == example)
        #expect(example.split(separator: "\n", omittingEmptySubsequences: false).dropLast().count <= 15)
    }

    @Test("the README has fewer than 200 lines and no placeholder") func readme() throws {
        let text = try text("README.md")
        #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count <= 200)
        #expect(!text.contains("OWNER"))
    }

    @Test("every make target that a document names exists", arguments: documents)
    func targets(document: String) throws {
        let makefile = try text("Makefile")
        let inline = try text(document).matches(of: /`make ([a-z][a-z0-9-]*)[ `]/).map { $0.1 }
        let fenced = try blocks(in: document).joined().matches(of: /(?m)^make ([a-z][a-z0-9-]*)(?=\s)/).map { $0.1 }
        for target in inline + fenced { #expect(makefile.contains("\n\(target):"), "make \(target)") }
    }

    /// The text of each test source, by its path below Tests.
    private func testSources() throws -> [(path: String, text: String)] {
        let links = ["Tests/Sanitize/", "Tests/Fuzz/"]
        return try Self.files(below: "Tests", ".swift").filter { path in !links.contains { path.hasPrefix($0) } }
            .map { ($0, try text($0)) }
    }

    @Test("no two suites have one name, and each is in a file of its name") func suites() throws {
        var files: [Substring: String] = [:]
        for (path, text) in try testSources() {
            for match in text.matches(of: /(?m)^struct (\w+Tests)\b/) {
                #expect(files.updateValue(path, forKey: match.1) == nil, "\(match.1) twice, in \(path)")
                #expect(path.hasSuffix("/\(match.1).swift"))
            }
        }
        #expect(files.count > 80)
    }

    @Test(
        "every suite and test in the tables of behaviours and of attacks exists",
        arguments: [("docs/BEHAVIOUR.md", 100), ("SECURITY.md", 45)])
    func behaviours(document: String, atLeast rows: Int) throws {
        var sources: [String: String] = [:]
        for (_, text) in try testSources() {
            for match in text.matches(of: /(?m)^(?:@Suite.*|final )?\b(?:struct|class|extension) (\w+)/) {
                sources[String(match.1), default: ""] += text
            }
        }
        let table = try text(document)
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
        #expect(count >= rows)
    }
}
