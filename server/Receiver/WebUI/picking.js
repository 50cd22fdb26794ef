// Picked, dropped and pasted files

async function addPicked(input) {
    const files = Array.from(input.files);
    // Otherwise picking the same file again would not be a change.
    input.value = "";
    // A folder may hold thousands of files: adding 100 at a time keeps the page responsive.
    for (let start = 0; start < files.length; start += 100) {
        const some = files.slice(start, start + 100);
        add(some.map(file => ({ file, path: file.webkitRelativePath || file.name })), start > 0);
        await new Promise(resolve => setTimeout(resolve));
    }
}

async function addDropped(items) {
    // Read immediately: the items are empty after the event.
    const entries = items.map(item => item.webkitGetAsEntry?.() ?? item.getAsFile()).filter(Boolean);
    const found = [];
    const problems = [];
    let count = 0;
    const flush = () => {
        add(found, count > 0);
        count += found.length;
        found.length = 0;
    };
    const visit = async entry => {
        if (entry instanceof File) {
            found.push({ file: entry, path: entry.name });
        } else if (entry.isFile) {
            const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
            found.push({ file, path: entry.fullPath.replace(/^\//, "") });
            if (found.length >= 100) flush();
        } else {
            const reader = entry.createReader();
            const read = () => new Promise((resolve, reject) => reader.readEntries(resolve, reject));
            // The reader returns some entries at a time, and none at the end.
            for (let some = await read(); some.length > 0; some = await read()) {
                for (const one of some) await visit(one);
            }
        }
    };
    for (const entry of entries) {
        try {
            await visit(entry);
        } catch (error) {
            problems.push(`${entry.name} cannot be read: ${error.message}`);
        }
    }
    flush();
    if (count === 0 && problems.length === 0) problems.push("The dropped items contain no files.");
    byID("drop-problem").textContent = problems.join(" ");
}

function hasFiles(event) {
    return event.dataTransfer?.types.includes("Files") ?? false;
}

function showDragging(isDragging) {
    document.documentElement.classList.toggle("dragging", isDragging);
}

function listenForFiles() {
    addEventListener("dragover", event => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "copy";
        showDragging(true);
    });
    addEventListener("dragleave", event => {
        if (event.relatedTarget === null) showDragging(false);
    });
    addEventListener("drop", event => {
        showDragging(false);
        if (!hasFiles(event)) return;
        event.preventDefault();
        addDropped([...event.dataTransfer.items].filter(item => item.kind === "file"));
    });
    addEventListener("paste", event => {
        const files = Array.from(event.clipboardData?.files ?? [], file => ({ file, path: file.name }));
        if (files.length > 0) event.preventDefault();
        add(files);
    });
}
