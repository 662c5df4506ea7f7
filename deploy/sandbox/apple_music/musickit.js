// A small stand-in for MusicKit JS v3: what a page needs in order to get a user token.
(() => {
  // Where this script comes from there are the API and the sign-in too.
  const home = new URL(document.currentScript.src).origin;
  const CLOSED_EVERY_MS = 100;
  let instance;

  class MKError extends Error {
    constructor(errorCode, description) {
      super(`${errorCode}: ${description}`);
      this.name = "MKError";
      this.errorCode = errorCode;
      this.description = description;
    }
  }

  const CODES = { 401: "UNAUTHORIZED_ERROR", 403: "ACCESS_DENIED", 429: "QUOTA_EXCEEDED" };

  async function call(method, path, headers) {
    let answer;
    try {
      answer = await fetch(home + path, { method, headers, credentials: "omit" });
    } catch (error) {
      throw new MKError("NETWORK_ERROR", error.message);
    }
    if (!answer.ok) {
      const code = CODES[answer.status] ?? "SERVICE_UNAVAILABLE";
      throw new MKError(code, `${path} answered ${answer.status}`);
    }
  }

  // The team that made the developer token: what is held for one team is not given to another.
  function teamOf(developerToken) {
    try {
      const claims = developerToken.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
      return JSON.parse(atob(claims)).iss.toLowerCase();
    } catch {
      throw new MKError("CONFIGURATION_ERROR", "developerToken is no JSON Web Token");
    }
  }

  function newId() {
    return Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(16)).join("");
  }

  class MusicKitInstance {
    #developerToken;
    #app;
    #place;
    #signingIn = null;

    constructor(developerToken, app) {
      this.#developerToken = developerToken;
      this.#app = app;
      this.#place = `music.${teamOf(developerToken)}.media-user-token`;
    }

    get musicUserToken() {
      return localStorage.getItem(this.#place) ?? undefined;
    }

    get isAuthorized() {
      return this.musicUserToken !== undefined;
    }

    // Must be called in a click handler, before anything is waited for: else browsers block the window.
    async authorize() {
      if (this.isAuthorized) {
        return this.musicUserToken;
      }
      this.#signingIn ??= this.#signIn().finally(() => {
        this.#signingIn = null;
      });
      return this.#signingIn;
    }

    async #signIn() {
      const id = newId();
      const asked = new URLSearchParams({
        developer_token: this.#developerToken,
        origin: location.origin,
        id,
        name: this.#app.name,
      });
      const popup = window.open(`${home}/musickit/authorize?${asked}`, "", "popup,width=600,height=700");
      if (!popup) {
        throw new MKError("AUTHORIZATION_ERROR", "The browser blocked the sign-in window");
      }
      const token = await answerOf(popup, id);
      localStorage.setItem(this.#place, token);
      return token;
    }

    async unauthorize() {
      const token = this.musicUserToken;
      if (token === undefined) {
        return;
      }
      localStorage.removeItem(this.#place);
      await call("POST", "/musickit/unauthorize", {
        Authorization: `Bearer ${this.#developerToken}`,
        "Music-User-Token": token,
      });
    }
  }

  // The window stays open until its answer is here, so a closed one has none to give.
  function answerOf(popup, id) {
    return new Promise((resolve, reject) => {
      const settle = (decide) => {
        clearInterval(looking);
        window.removeEventListener("message", hear);
        popup.close();
        decide();
      };
      const hear = (event) => {
        if (event.origin !== home || event.source !== popup || event.data?.id !== id) {
          return;
        }
        const { token, errorCode, description } = event.data;
        settle(() => (token ? resolve(token) : reject(new MKError(errorCode, description))));
      };
      const looking = setInterval(() => {
        if (popup.closed) {
          settle(() => reject(new MKError("AUTHORIZATION_ERROR", "The sign-in window was closed")));
        }
      }, CLOSED_EVERY_MS);
      window.addEventListener("message", hear);
    });
  }

  async function configure({ developerToken, app } = {}) {
    if (!developerToken || !app?.name) {
      throw new MKError("CONFIGURATION_ERROR", "developerToken and app.name must be given");
    }
    const configured = new MusicKitInstance(developerToken, app);
    await call("GET", "/v1/test", { Authorization: `Bearer ${developerToken}` });
    instance = configured;
    return instance;
  }

  window.MusicKit = { configure, getInstance: () => instance };
  document.dispatchEvent(new Event("musickitloaded"));
})();
