// Start: connects the page's elements to the functions above

function begin() {
    for (const id of ["drop-hint", "pick-buttons", "stored", "terminal"]) byID(id).hidden = false;
    byID("plain-picker").hidden = true;
    byID("pick-folder").hidden = !("webkitdirectory" in byID("folder-input"));
    byID("token-form").hidden = document.documentElement.dataset.authorization !== "required";
    byID("token").value = token;
    const authorization = byID("token-form").hidden ? "" : "-H 'Authorization: Bearer TOKEN' ";
    byID("command").textContent = `curl ${authorization}-T FILE ${location.origin}/`;

    byID("pick-files").onclick = () => byID("file-input").click();
    byID("pick-folder").onclick = () => byID("folder-input").click();
    byID("file-input").onchange = event => addPicked(event.target);
    byID("folder-input").onchange = event => addPicked(event.target);
    byID("token-form").onsubmit = useToken;
    byID("notice-button").onclick = () => {
        byID("uploads-heading").focus();
        goOnNow();
    };
    addEventListener("online", goOnNow);
    byID("left-behind-button").onclick = () => {
        byID("pick-files").focus();
        discardLeftBehind();
    };
    byID("retry-all").onclick = () => {
        for (const upload of [...failed].reverse()) retry(upload);
        byID("uploads-heading").focus();
    };
    byID("cancel-all").onclick = () => {
        cancelAll();
        byID("uploads-heading").focus();
    };
    byID("clear").onclick = () => {
        failed.clear();
        finished.length = 0;
        finishedNotShown = 0;
        byID(isIdle() ? "pick-files" : "uploads-heading").focus();
        renderSoon();
    };
    byID("filter").oninput = renderList;
    byID("show-all").onclick = () => {
        showsAll = true;
        renderList();
    };
    for (const button of document.querySelectorAll("#files th button")) {
        button.onclick = () => sortBy(button.dataset.key);
    }
    addEventListener("beforeunload", event => {
        if (!isIdle()) event.preventDefault();
    });
    document.addEventListener("visibilitychange", () => {
        if (!document.hidden) refreshList();
    });
    listenForFiles();
    findLeftBehind();
    renderSoon();
    refreshList();
}

begin();
